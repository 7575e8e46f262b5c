// Scopes: names for parts of a computation, which its nodes remember. The current scope is thread-local.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fastgrad {

// The number of a path such as "mlp/layers.0", or 0 outside all scopes. Paths keep their numbers for the life of the
// process. If the numbers run out, a new scope gets the number of the enclosing one.
using Scope = std::uint16_t;

namespace scopes {

extern int threads_inside;  // read for every new node; the thread's own scope is read only if this is nonzero
Scope current_in_this_thread();
inline Scope current() { return threads_inside == 0 ? Scope{0} : current_in_this_thread(); }

// Makes `scope` the thread's current scope and returns the previous one.
Scope exchange(Scope scope);

// The scope with this name inside the current one. Throws std::bad_alloc.
Scope inner(std::string_view name);

bool is_known(long number);
const std::string& path(Scope scope);

// Nodes created during its lifetime belong to its scope.
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
