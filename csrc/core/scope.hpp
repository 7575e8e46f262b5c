// Scopes: names for parts of a computation, which its nodes remember. A matter of the thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fastgrad {

// The number of a path such as "mlp/layers.0"; 0 outside all scopes. Paths keep their numbers for the life of the
// process; should they ever run out, new scopes get the number of the one around them.
using Scope = std::uint16_t;

namespace scopes {

extern int threads_inside;  // read for every new node; the thread's own scope only if it is not zero
Scope current_in_this_thread();
inline Scope current() { return threads_inside == 0 ? Scope{0} : current_in_this_thread(); }

// Makes another scope the thread's current one; the one before.
Scope exchange(Scope scope);

// The scope of that name inside the current one. Throws std::bad_alloc.
Scope inner(std::string_view name);

bool is_known(long number);
const std::string& path(Scope scope);

// What is made while this lives belongs to a scope.
class Within {
 public:
    explicit Within(Scope scope) : before_(exchange(scope)) {}
    ~Within() { exchange(before_); }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

 private:
    Scope before_;
};

}  // namespace scopes
}  // namespace fastgrad
