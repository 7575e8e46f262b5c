#include "core/scope.hpp"

#include <deque>
#include <limits>
#include <unordered_map>

namespace fastgrad::scopes {

int threads_inside = 0;

namespace {

thread_local Scope current_scope = 0;

struct Registry {
    std::deque<std::string> paths{""};
    std::unordered_map<std::string_view, Scope> numbers;
};

// Never destroyed, because Values may outlive every static object.
Registry& registry() {
    static auto& registry = *new Registry;
    return registry;
}

}  // namespace

Scope current_in_this_thread() { return current_scope; }

Scope exchange(Scope scope) {
    const Scope before = current_scope;
    threads_inside += (scope != 0) - (before != 0);
    current_scope = scope;
    return before;
}

Scope inner(std::string_view name) {
    auto& [paths, numbers] = registry();
    std::string path = paths[current_scope];
    if (!path.empty()) path += '/';
    path += name;
    if (const auto known = numbers.find(path); known != numbers.end()) return known->second;
    if (paths.size() > std::numeric_limits<Scope>::max()) return current_scope;
    const auto number = static_cast<Scope>(paths.size());
    numbers.emplace(paths.emplace_back(std::move(path)), number);
    return number;
}

bool is_known(long number) { return number >= 0 && static_cast<unsigned long>(number) < registry().paths.size(); }

const std::string& path(Scope scope) { return registry().paths[scope]; }

}  // namespace fastgrad::scopes
