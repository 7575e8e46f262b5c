#include "core/sweep.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "core/interruption.hpp"
#include "core/order.hpp"
#include "core/rows.hpp"
#include "core/scan.hpp"
#include "core/sequence_sweep.hpp"

namespace fastgrad {

namespace {

using Scan = BackwardScan<Node::accumulates, Mark::reached>;

// Empty unless the node has several results.
std::span<double> cotangents_of(Node* node) {
    return has_several_results(node->op) ? node->x.list->cotangents() : std::span<double>();
}

void clear_cotangents(Node* node) {
    const std::span<double> cotangents = cotangents_of(node);
    std::fill(cotangents.begin(), cotangents.end(), -0.0);  // which keeps the sign of a first 0
}

class Retained {
 public:
    explicit Retained(Node* node) : node_(node) { Tape::retain(node); }
    ~Retained() { tape.release(node_); }
    Retained(const Retained&) = delete;
    Retained& operator=(const Retained&) = delete;

 private:
    Node* node_;
};

// What a root reaches, kept alive whatever a callback lets go of, and its gradients, which are put back.
class SavedGradients {
 public:
    explicit SavedGradients(Node* root) : nodes_(topological_order({&root, 1})) {
        gradients_.reserve(nodes_.size());
        for (Node* node : nodes_) {
            gradients_.push_back(node->grad);
            Tape::retain(node);
        }
    }
    ~SavedGradients() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i]->grad = gradients_[i];
        for (Node* node : nodes_) tape.release_slot(node);
    }
    SavedGradients(const SavedGradients&) = delete;
    SavedGradients& operator=(const SavedGradients&) = delete;

 private:
    std::vector<Node*> nodes_;
    std::vector<double> gradients_;
};

// A sweep's claim to the marks in the store.
//
// There can be several sweeps, because a callback may start another one, or let another thread run that does; so they
// may end in any order. The marks in the store belong to one of them, the active one; the others have theirs set
// aside. Partial gradients are put back where the callback itself started the other sweep, which may have stored over
// them; while another thread sweeps, the callback may go on adding to them.
class SweepMarks {
 public:
    SweepMarks() {
        activate();
        older_ = newest_;
        newest_ = this;
        if (older_) older_->newer_ = this;
    }
    // The store bears no mark of an active marks any more.
    ~SweepMarks() {
        (newer_ ? newer_->older_ : newest_) = older_;
        if (older_) older_->newer_ = newer_;
        if (active_ != this) return;
        active_ = nullptr;
        if (newest_) newest_->activate();  // the callback that started this sweep goes on adding to the other one's
    }
    SweepMarks(const SweepMarks&) = delete;
    SweepMarks& operator=(const SweepMarks&) = delete;

    static bool any() { return newest_ != nullptr; }

    bool run(BackwardCallback& callback) {
        const bool succeeded = callback.run();
        if (active_ != this) activate();
        return succeeded;
    }
    // Whoever handles a signal may do what a callback may. Not in line: the sweep needs the registers.
    FASTGRAD_NOINLINE bool goes_on() {
        const bool stops = interruption.stops();
        if (active_ != this) activate();
        return !stops;
    }

 private:
    // Throws std::bad_alloc where another sweep is active; then nothing has changed.
    void activate() {
        if (active_) active_->set_aside(active_->thread_ == thread_);
        active_ = this;
        for (const auto& [node, grad, cotangents] : aside_) {
            if (restores_gradients_) {
                node->grad = grad;
                std::copy(cotangents.begin(), cotangents.end(), cotangents_of(node).begin());
            }
            node->flags |= Node::accumulates;
            ++reached(Chunk::of(node));
        }
        aside_.clear();
    }

    void set_aside(bool restore_gradients) {
        std::vector<Gradient> marked;
        for_each_mark([&](Chunk*, Node* node) {
            const std::span<const double> cotangents = cotangents_of(node);
            marked.push_back({node, node->grad, {cotangents.begin(), cotangents.end()}});
        });
        for_each_mark([](Chunk* chunk, Node* node) {
            node->flags &= static_cast<std::uint8_t>(~Node::accumulates);
            --reached(chunk);
        });
        aside_ = std::move(marked);
        restores_gradients_ = restore_gradients;
    }

    template <class Visit>
    static void for_each_mark(Visit visit) {
        for (Chunk* chunk = tape.newest(); chunk; chunk = chunk->older) {
            auto left = reached(chunk);
            for (Node* node = chunk->begin(); left != 0; ++node) {
                if (!node->has(Node::accumulates)) continue;
                --left;
                visit(chunk, node);
            }
        }
    }
    static std::uint32_t& reached(Chunk* chunk) { return chunk->marked[static_cast<int>(Mark::reached)]; }

    static SweepMarks *active_, *newest_;
    const std::thread::id thread_ = std::this_thread::get_id();
    struct Gradient {
        Node* node;
        double grad;
        std::vector<double> cotangents;
    };
    std::vector<Gradient> aside_;
    bool restores_gradients_ = false;
    SweepMarks *older_ = nullptr, *newer_ = nullptr;
};

SweepMarks* SweepMarks::active_ = nullptr;
SweepMarks* SweepMarks::newest_ = nullptr;

// Where contributions go in a sweep: the first touch of an interior node stores, later ones add.
struct FirstTouchStores {
    Scan& scan;
    SweepMarks& marks;

    void add(Node* node, double contribution) {
        if (node->has(Node::accumulates)) {
            node->grad += contribution;
        } else {
            node->grad = contribution;
            scan.mark(node);
        }
    }
    // To one of the results of a node that has several.
    void add(Node* node, std::size_t result, double contribution) {
        if (!node->has(Node::accumulates)) {
            clear_cotangents(node);
            add(node, 0.0);
        }
        node->x.list->cotangents()[result] += contribution;
    }
    // A callback adds by itself, to whatever is there.
    void prepare(Node* node) {
        if (!node->has(Node::accumulates)) add(node, 0.0);
    }
    bool run(BackwardCallback& callback) { return marks.run(callback); }
};

// Where they go in a single step by hand.
struct AlwaysAdds {
    void add(Node* node, double contribution) { node->grad += contribution; }
    void add(Node* node, std::size_t result, double contribution) {
        node->x.list->cotangents()[result] += contribution;
    }
    void prepare(Node*) {}
    bool run(BackwardCallback& callback) { return callback.run(); }
};

// Where they go when they are only asked for.
struct Lists {
    std::vector<Contribution> contributions;

    void add(Node* node, double contribution) { contributions.push_back({node, std::nullopt, contribution}); }
    void add(Node* node, std::size_t result, double contribution) {
        contributions.push_back({node, result, contribution});
    }
    void prepare(Node*) {}
    bool run(BackwardCallback&) { return true; }
};

template <class Sink>
bool propagate_custom(Node* node, Sink& sink) {
    const CustomOperation& custom = *node->x.custom;
    for (std::size_t i = 0; i < custom.local_gradients.size(); ++i) {
        sink.add(custom.operands[i], node->grad * custom.local_gradients[i]);
    }
    if (!custom.local_gradients.empty()) return true;
    for (Node* operand : custom.operands) sink.prepare(operand);
    const auto callback = custom.callback;  // a copy: the callback may replace itself
    return !callback || sink.run(*callback);
}

// Not in line: the rows need the registers.
template <class Sink>
FASTGRAD_NOINLINE void propagate_sequence(Node* node, Sink& sink) {
    sequences::Reverse(node, sink).run();
}

template <class Sink>
inline bool propagate(Node* node, Sink& sink) {
    [[maybe_unused]] const double r = node->data;
    const double g = node->grad;
    switch (node->op) {
#define FASTGRAD_UNARY(name, ...)                                                                      \
    case Op::name: {                                                                                   \
        [[maybe_unused]] const double x = node->x_data();                                              \
        if (!node->has(Node::x_is_constant)) sink.add(node->x.node, g * Row<Op::name>::dx(x, 0.0, r)); \
        return true;                                                                                   \
    }
#define FASTGRAD_BINARY(name, ...)                                                                   \
    case Op::name: {                                                                                 \
        [[maybe_unused]] const double x = node->x_data(), y = node->y_data();                        \
        if (!node->has(Node::x_is_constant)) sink.add(node->x.node, g * Row<Op::name>::dx(x, y, r)); \
        if (!node->has(Node::y_is_constant)) sink.add(node->y.node, g * Row<Op::name>::dy(x, y, r)); \
        return true;                                                                                 \
    }
#include "ops.def"
        case Op::custom: return propagate_custom(node, sink);
        case Op::element: sink.add(node->x.node, static_cast<std::size_t>(node->y.constant), g); return true;
        case Op::leaf: return true;
#define FASTGRAD_SEQUENCE(name, ...) case Op::name:
#include "sequences.def"
            propagate_sequence(node, sink);
            return true;
    }
    return true;
}

}  // namespace

bool sweep(Node* root, double seed) {
    if (root->is_leaf()) {
        root->grad = seed;
        return true;
    }
    const Retained held(root);  // a callback may drop what holds it
    SweepMarks marks;
    Scan scan(root);  // of this function alone: its counters stay in registers
    FirstTouchStores sink{scan, marks};
    clear_cotangents(root);
    sink.add(root, seed);
    while (Node* node = scan.next([&marks] { return marks.goes_on(); })) {
        if (propagate(node, sink)) continue;
        scan.abandon();
        return false;
    }
    if (scan.is_done()) return true;
    scan.abandon();
    return false;
}

bool is_sweeping() { return SweepMarks::any(); }

bool gradients(std::span<Node* const> outputs, std::span<const double> cotangents, std::span<Node* const> variables,
               std::span<double> results) {
    auto sum = std::make_unique<CustomOperation>();
    sum->operands.assign(outputs.begin(), outputs.end());
    sum->local_gradients.assign(cotangents.begin(), cotangents.end());
    Node* root = tape.custom(0.0, std::move(sum));
    const Retained held(root);
    tape.release(root);
    const SavedGradients saved(root);
    if (!sweep(root, 1.0)) return false;
    for (std::size_t i = 0; i < variables.size(); ++i) results[i] = variables[i]->grad;
    return true;
}

void clear_gradient(Node* node) {
    node->grad = 0.0;
    clear_cotangents(node);
}

bool step_back(Node* node) {
    AlwaysAdds sink;
    return propagate(node, sink);
}

std::vector<Contribution> contributions(const Node& node, double gradient, std::span<const double> results) {
    Node twin = node;
    twin.grad = gradient;
    OperandList::Pointer list;
    if (has_several_results(node.op)) {
        list = node.x.list->copy(node.op);
        twin.x = list.get();
        clear_cotangents(&twin);
        const std::span<double> cotangents = list->cotangents();
        std::copy_n(results.begin(), std::min(results.size(), cotangents.size()), cotangents.begin());
    }
    Lists sink;
    propagate(&twin, sink);
    return sink.contributions;
}

}  // namespace fastgrad
