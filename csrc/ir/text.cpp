#include "ir/text.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#ifndef __cpp_lib_to_chars
#include <clocale>
#endif

#include "core/interruption.hpp"
#include "ir/verify.hpp"

namespace fastgrad::ir {

namespace {

// --- numbers

constexpr double python_nan = std::numeric_limits<double>::quiet_NaN();

std::uint64_t bits_of(double number) { return std::bit_cast<std::uint64_t>(number); }

#ifdef __cpp_lib_to_chars

std::string finite_text(double number) {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return {text.data(), end};
}

std::optional<double> finite_number(std::string_view text) {
    double number = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (!std::isfinite(number)) return std::nullopt;  // from_chars also reads INF and -nan
    return number;
}

#else  // libc++ before macOS 13.3: the C library's functions, whose decimal point depends on the locale

std::string finite_text(double number) {
    std::array<char, 32> text;
    for (int digits = 15; digits <= 17; ++digits) {
        std::snprintf(text.data(), text.size(), "%.*g", digits, number);
        if (std::strtod(text.data(), nullptr) == number) break;
    }
    std::string result(text.data());
    const std::string point = std::localeconv()->decimal_point;
    if (const auto at = result.find(point); at != result.npos) result.replace(at, point.size(), ".");
    return result;
}

std::optional<double> finite_number(std::string_view given) {
    std::string text(given);
    if (text.find_first_not_of("0123456789.eE+-") != text.npos) return std::nullopt;
    if (const auto at = text.find('.'); at != text.npos) text.replace(at, 1, std::localeconv()->decimal_point);
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || end != text.c_str() + text.size() || std::isinf(number)) return std::nullopt;
    return number;
}

#endif

std::string number_text(double number) {
    if (std::isnan(number)) {
        if (bits_of(number) == bits_of(python_nan)) return "nan";
        std::array<char, 32> text;
        std::snprintf(text.data(), text.size(), "nan(%016llx)", static_cast<unsigned long long>(bits_of(number)));
        return text.data();
    }
    if (std::isinf(number)) return number > 0.0 ? "inf" : "-inf";
    std::string text = finite_text(number);
    if (text.find_first_of(".e") == text.npos) text += ".0";
    return text;
}

std::optional<double> number_of(std::string_view text) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (text == "inf") return infinity;
    if (text == "-inf") return -infinity;
    if (text == "nan") return python_nan;
    if (text.starts_with("nan(") && text.ends_with(")")) {
        text = text.substr(4, text.size() - 5);
        std::uint64_t bits = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
        const double number = std::bit_cast<double>(bits);
        if (error != std::errc{} || end != text.data() + text.size() || !std::isnan(number)) return std::nullopt;
        return number;
    }
    return finite_number(text);
}

// --- writing

std::string name_of(Slot slot) { return "%" + std::to_string(slot); }

std::string quoted(std::string_view label) {
    std::string text = "\"";
    for (const char c : label) {
        switch (c) {
            case '"': text += "\\\""; break;
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            default: text += c;
        }
    }
    return text + '"';
}

// The word itself, or quoted if it is not a name: files of other versions may have other passes.
std::string word_text(const std::string& word) {
    const bool is_name =
        !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == word.npos;
    return is_name ? word : quoted(word);
}

void append_instruction(std::string& text, const Program& program, const Instruction& instruction) {
    switch (kind_of(instruction.op)) {
        case Kind::input: text += "input " + std::to_string(instruction.x); return;
        case Kind::dot: {
            const Dot& dot = program.dots[instruction.x];
            for (std::size_t i = dot.first; i < dot.first + dot.count; ++i) {
                text += i == dot.first ? "dot " : " + ";
                text += name_of(program.left[i]) + " * " + name_of(program.right[i]);
            }
            if (dot.addend != no_slot) text += " + " + name_of(dot.addend);
            return;
        }
        case Kind::row:
            text += operation(op_of(instruction.op)).name;
            text += " " + name_of(instruction.x);
            if (!is_unary(instruction.op)) text += ", " + name_of(instruction.y);
    }
}

void append_bound(std::string& text, const Program& program, const BoundLeaves& bound) {
    auto label = bound.labels.begin();
    for (Slot i = 0; i < program.bound(); ++i) {
        text += name_of(i) + " = bound";
        if (!bound.numbers.empty()) text += " " + number_text(bound.numbers[i]);
        if (label != bound.labels.end() && label->first == i) text += " " + quoted((label++)->second);
        text += "\n";
    }
}

// --- reading

// Parses one line of text from left to right.
class Line {
 public:
    Line(std::string_view line, std::size_t number) : rest_(line), number_(number) { skip_spaces(); }

    [[noreturn]] void reject(const std::string& why) const {
        throw std::invalid_argument("line " + std::to_string(number_) + ": " + why);
    }

    bool is_at_end() const { return rest_.empty() || rest_.front() == '#'; }
    bool starts_with(char c) const { return !rest_.empty() && rest_.front() == c; }

    // A run of characters other than spaces and `,*=#"`.
    std::string_view word() {
        const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r,*=#\""));
        advance(word.size());
        return word;
    }
    bool take(std::string_view token) {
        if (!rest_.starts_with(token)) return false;
        advance(token.size());
        return true;
    }
    void expect(std::string_view token) {
        if (!take(token)) reject("expected '" + std::string(token) + "'");
    }
    void expect_end() const {
        if (!is_at_end()) reject("unexpected '" + std::string(rest_) + "'");
    }

    template <class Integer = std::uint64_t>
    Integer integer() {
        const std::string_view text = word();
        Integer number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size()) {
            reject("expected a whole number, not '" + std::string(text) + "'");
        }
        return number;
    }
    double number() {
        const std::string_view text = word();
        const std::optional<double> number = number_of(text);
        if (!number) reject("expected a number, not '" + std::string(text) + "'");
        return *number;
    }
    Slot slot() {
        if (!starts_with('%')) reject("expected a slot, such as %3");
        rest_.remove_prefix(1);
        return integer<Slot>();
    }
    std::string pass() {
        if (starts_with('"')) return label();
        const std::string_view name = word();
        if (name.empty()) reject("expected the name of a pass");
        return std::string(name);
    }
    std::string label() {
        rest_.remove_prefix(1);
        std::string text;
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                advance(i + 1);
                return text;
            }
            if (rest_[i] == '\\' && ++i < rest_.size() && (rest_[i] == 'n' || rest_[i] == 'r')) {
                text += rest_[i] == 'n' ? '\n' : '\r';
            } else if (i < rest_.size()) {
                text += rest_[i];
            }
        }
        reject("a label does not end");
    }

 private:
    void advance(std::size_t count) {
        rest_.remove_prefix(count);
        skip_spaces();
    }
    void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size())); }

    std::string_view rest_;
    std::size_t number_;
};

const Operation* row_named(std::string_view name) {
    for (const Operation& row : operations()) {
        if (row.name == name) return &row;
    }
    return nullptr;
}

class TextReader {
 public:
    SavedGraph read(std::string_view text) {
        for (std::size_t number = 1; !text.empty(); ++number) {
            interruption.check_at(number);
            const std::size_t end = text.find('\n');
            Line line(text.substr(0, end), number);
            text.remove_prefix(end == text.npos ? text.size() : end + 1);
            if (line.is_at_end()) continue;
            if (line.starts_with('%')) {
                definition(line);
            } else {
                statement(line);
            }
            line.expect_end();
        }
        program().leaves.resize(saved_.bound.numbers.size());
        std::iota(program().leaves.begin(), program().leaves.end(), 0);
        if (const std::string error = error_in(program()); !error.empty()) throw std::invalid_argument(error);
        return std::move(saved_);
    }

 private:
    Program& program() { return saved_.program; }

    void statement(Line& line) {
        if (line.take("passes ")) {
            while (!line.is_at_end()) saved_.origin.passes.push_back(line.pass());
        } else if (line.take("lowering ")) {
            while (!line.is_at_end()) lowering(line);
        } else if (line.take("captured ")) {
            saved_.origin.nodes = line.integer();
            line.expect("nodes");
            saved_.origin.instructions = line.integer();
            line.expect("operations");
        } else if (line.take("output ")) {
            do program().outputs.push_back(line.slot());
            while (line.take(","));
        } else if (line.take("guard ")) {
            const Slot condition = line.slot();
            line.expect("is");
            const bool expected = line.take("true");
            if (!expected) line.expect("false");
            program().guards.push_back({condition, expected});
        } else {
            line.reject("unknown statement '" + std::string(line.word()) + "'");
        }
    }

    void lowering(Line& line) {
        if (line.take("loops")) {
            saved_.origin.loops = true;
        } else {
            line.expect("vector_math");
            saved_.origin.vector_math = true;
        }
    }

    void definition(Line& line) {
        const Slot slot = line.slot(),
                   next = static_cast<Slot>(saved_.bound.numbers.size() + program().constants.size() +
                                            program().instructions.size());
        if (slot != next) line.reject("slot " + name_of(slot) + " where " + name_of(next) + " comes next");
        line.expect("=");
        const std::string_view name = line.word();
        if (name == "bound") {
            if (!program().constants.empty() || !program().instructions.empty())
                line.reject("bound leaves come first");
            bound(line);
        } else if (name == "constant") {
            if (!program().instructions.empty()) line.reject("constants come before instructions");
            program().constants.push_back(line.number());
        } else if (name == "input") {
            program().instructions.push_back({Opcode::input, line.integer<Slot>(), 0});
            ++program().inputs;
        } else if (name == "dot") {
            dot(line);
        } else {
            row(line, name);
        }
    }

    void bound(Line& line) {
        const bool has_number = !line.is_at_end() && !line.starts_with('"');
        saved_.bound.numbers.push_back(has_number ? line.number() : 0.0);
        if (line.starts_with('"')) {
            const auto leaf = static_cast<std::uint32_t>(saved_.bound.numbers.size() - 1);
            saved_.bound.labels.emplace_back(leaf, line.label());
        }
    }

    void row(Line& line, std::string_view name) {
        const Operation* row = row_named(name);
        if (!row) line.reject("no operation is called '" + std::string(name) + "'");
        Instruction instruction{opcode_of(row->op), line.slot(), 0};
        if (row->arity == 2) {
            line.expect(",");
            instruction.y = line.slot();
        }
        program().instructions.push_back(instruction);
    }

    void dot(Line& line) {
        Dot dot{program().left.size(), 0, no_slot};
        do {
            const Slot x = line.slot();
            if (line.take("*")) {
                program().left.push_back(x);
                program().right.push_back(line.slot());
                ++dot.count;
            } else {
                dot.addend = x;
            }
        } while (dot.addend == no_slot && line.take("+"));
        program().instructions.push_back({Opcode::dot, static_cast<Slot>(program().dots.size()), 0});
        program().dots.push_back(dot);
    }

    SavedGraph saved_;
};

}  // namespace

std::string to_text(const Program& program, const Origin& origin, const BoundLeaves& bound) {
    std::string text;
    if (!origin.passes.empty()) {
        text += "passes";
        for (const std::string& pass : origin.passes) text += " " + word_text(pass);
        text += "\n";
    }
    if (origin.loops || origin.vector_math) {
        text += std::string("lowering") + (origin.loops ? " loops" : "") +
                (origin.vector_math ? " vector_math" : "") + "\n";
    }
    if (origin.nodes != 0 || origin.instructions != 0) {
        text += "captured " + std::to_string(origin.nodes) + " nodes " + std::to_string(origin.instructions) +
                " operations\n";
    }
    append_bound(text, program, bound);
    Slot slot = program.bound();
    for (const double constant : program.constants) {
        text += name_of(slot++) + " = constant " + number_text(constant) + "\n";
    }
    for (std::size_t i = 0; i < program.instructions.size(); ++i) {
        interruption.check_at(i);
        text += name_of(slot++) + " = ";
        append_instruction(text, program, program.instructions[i]);
        text += "\n";
    }
    for (std::size_t i = 0; i < program.outputs.size(); ++i) {
        text += (i == 0 ? "output " : ", ") + name_of(program.outputs[i]);
    }
    text += "\n";
    for (const Guard& guard : program.guards) {
        text += "guard " + name_of(guard.condition) + " is " + (guard.expected ? "true" : "false") + "\n";
    }
    return text;
}

SavedGraph from_text(std::string_view text) { return TextReader().read(text); }

}  // namespace fastgrad::ir
