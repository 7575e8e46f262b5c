#include "ir/verify.hpp"

#include "core/interruption.hpp"

namespace fastgrad::ir {

namespace {

class Verifier {
 public:
    explicit Verifier(const Program& program) : program_(program), seen_(program.inputs) {}

    std::string run() {
        if (program_.first_result() + std::uint64_t{program_.instructions.size()} >= no_slot) {
            return "it has too many numbers";
        }
        Slot next = program_.first_result();
        std::uint64_t next_term = 0;
        for (std::size_t i = 0; i < program_.instructions.size(); ++i, ++next) {
            interruption.check_at(i);
            const Instruction& instruction = program_.instructions[i];
            if (!is_opcode(static_cast<std::uint8_t>(instruction.op))) return "an operation is unknown";
            const std::string error = error_in_one(instruction, next_term);
            if (!error.empty()) return error;
            bool is_ready = true;
            for_each_operand(program_, instruction, [&](Slot slot) { is_ready = is_ready && slot < next; });
            if (!is_ready) return "something is used before it is computed";
        }
        if (inputs_seen_ != program_.inputs) return "an input is missing";
        bool exist = true;
        for_each_result(program_, [&](Slot slot) { exist = exist && slot < next; });
        if (!exist) return "something is used before it is computed";
        return program_.outputs.empty() ? "it has no output" : "";
    }

 private:
    std::string error_in_one(const Instruction& instruction, std::uint64_t& next_term) {
        switch (kind_of(instruction.op)) {
            case Kind::input: return error_in_input(instruction);
            case Kind::row: return error_in_row(instruction);
            case Kind::dot: return error_in_dot(instruction, next_term);
        }
        return {};
    }

    std::string error_in_input(const Instruction& instruction) {
        if (instruction.x >= program_.inputs || seen_[instruction.x])
            return "an input is there twice, or not counted";
        seen_[instruction.x] = true;
        ++inputs_seen_;
        return instruction.y == 0 ? "" : "an input has an operand";
    }

    // The terms of dots are in the order of the dots, as executors read them.
    std::string error_in_dot(const Instruction& instruction, std::uint64_t& next_term) const {
        if (instruction.x >= program_.dots.size() || program_.left.size() != program_.right.size()) {
            return "a sum is missing";
        }
        const Dot& dot = program_.dots[instruction.x];
        if (dot.count == 0) return "a sum has no terms";
        const std::uint64_t terms = program_.left.size();
        if (dot.first < next_term || dot.first > terms || dot.count > terms - dot.first) {
            return "a sum's terms are missing";
        }
        next_term = dot.first + dot.count;
        return "";
    }

    static std::string error_in_row(const Instruction& instruction) {
        return is_unary(instruction.op) && instruction.y != 0 ? "an operation has an operand that it does not take"
                                                              : "";
    }

    const Program& program_;
    std::vector<bool> seen_;  // the inputs
    std::uint32_t inputs_seen_ = 0;
};

}  // namespace

std::string error_in(const Program& program) {
    if (program.inputs > program.instructions.size()) return "an input is missing";
    return Verifier(program).run();
}

bool is_opcode(std::uint8_t number) {
    const auto first = static_cast<std::size_t>(Op::custom) + 1;
    return number == static_cast<std::uint8_t>(Opcode::input) || number == static_cast<std::uint8_t>(Opcode::dot) ||
           (number >= first && number < first + operations().size());
}

}  // namespace fastgrad::ir
