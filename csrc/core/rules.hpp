// The optimizers' update rules, as rows of a table. rules.cpp defines each rule in one place: its settings, its state
// and its step. Constructors, errors, saved states and the documentation read the rows.
#pragma once

#include <array>
#include <span>
#include <variant>
#include <vector>

#include "core/node.hpp"
#include "core/range.hpp"

namespace fastgrad {

using SettingValue = std::variant<double, bool, std::array<double, 2>>;

struct Setting {
    const char* name;   // the argument's name in Python; a key of saved states
    SettingValue type;  // any value of the setting's type
    Range range;        // of each of its numbers
};

using Settings = std::vector<SettingValue>;  // in the order of the rule's row

// Numbers that a rule keeps between steps, one for each parameter.
struct Moment {
    const char* name;  // PyTorch's; a key of saved states
    bool needed;       // with the current settings
};

struct Memory {
    const char* name;
    std::vector<double> numbers;  // empty if the settings do not need them
};

struct Step {
    std::span<Node* const> parameters;
    std::vector<Memory>& memory;  // in the order of the rule's moments
    double lr, number;            // the first step is number 1
};

struct Rule {
    const char* name;    // of the class in fastgrad.optim; also in saved states
    const char* update;  // in Markdown, with g for the gradient
    const char* source;  // the paper
    std::span<const Setting> settings;
    std::vector<Moment> (*moments)(const Settings&);
    const char* (*conflict)(const Settings&);  // an error with names of settings in braces; null if they agree
    void (*step)(const Settings&, const Step&);
};

std::span<const Rule> rules();

}  // namespace fastgrad
