#include "run/workers.hpp"

#ifndef _WIN32
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace fastgrad::run {

namespace {

// One call of run_in_parallel, and how many of its helpers have yet to return.
struct Job {
    const std::function<void()>& work;
    std::atomic<unsigned> pending;
};

// Sleeping and waking take tens of microseconds, as long as many jobs.
constexpr std::chrono::microseconds spin_limit{200};

// Between two calls of `wait`, by the thread that waits for the others.
constexpr std::chrono::milliseconds between_calls{20};

template <class Condition>
void spin(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + spin_limit;
    while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

class Workers {
 public:
    void run(unsigned helpers, const std::function<void()>& work, const std::function<void()>& wait) {
        Job job{work, 0};
        {
            const std::lock_guard lock(mutex_);
            start(helpers);
            job.pending = std::min(helpers, threads_);
            queue_.insert(queue_.end(), job.pending, &job);
            waiting_ = static_cast<unsigned>(queue_.size());
        }
        wake_.notify_all();
        work();
        {
            const std::lock_guard lock(mutex_);
            // Withdraws what no thread has started.
            job.pending -= static_cast<unsigned>(std::erase(queue_, &job));
            waiting_ = static_cast<unsigned>(queue_.size());
        }
        spin([&] { return job.pending == 0; });
        std::unique_lock lock(mutex_);
        while (!done_.wait_for(lock, between_calls, [&] { return job.pending == 0; })) {
            lock.unlock();
            wait();
            lock.lock();
        }
    }

 private:
    void start(unsigned count) {
        for (; threads_ < count; ++threads_) {
            try {
                std::thread([this] { serve(); }).detach();
            } catch (const std::system_error&) {
                return;  // fewer threads do the work
            }
        }
    }

    void serve() {
        for (;;) {
            spin([this] { return waiting_ != 0; });
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return !queue_.empty(); });
            Job* job = queue_.front();
            queue_.pop_front();
            waiting_ = static_cast<unsigned>(queue_.size());
            lock.unlock();
            job->work();
            lock.lock();
            if (--job->pending == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::deque<Job*> queue_;
    std::atomic<unsigned> waiting_ = 0;  // the queue's length, readable without the mutex
    unsigned threads_ = 0;
};

// Never destroyed, because its threads wait on it until the process ends. A forked child has none of these threads,
// so it gets a new object.
Workers& workers() {
    static std::mutex mutex;
    static Workers* current = nullptr;
#ifdef _WIN32
    constexpr int process = 0;
#else
    const auto process = getpid();
#endif
    static auto owner = process;
    const std::lock_guard lock(mutex);
    if (!current || owner != process) {
        current = new Workers;
        owner = process;
    }
    return *current;
}

}  // namespace

void run_in_parallel(unsigned helpers, const std::function<void()>& work, const std::function<void()>& wait) {
    if (helpers == 0) {
        work();
    } else {
        workers().run(helpers, work, wait);
    }
}

}  // namespace fastgrad::run
