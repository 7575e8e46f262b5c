#include "ir/file.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/bytes.hpp"
#include "core/interruption.hpp"

namespace fastgrad::ir {

namespace {

constexpr std::string_view magic = "fastgrad graph\r\n";
constexpr std::uint32_t format_version = 1;
constexpr std::uint8_t rolls = 1, vector_math = 2;

using Checksum = std::uint32_t;
constexpr std::size_t header_size = magic.size() + 2 * sizeof(std::uint32_t) + sizeof(std::uint64_t);
constexpr std::size_t instruction_size = sizeof(std::uint8_t) + 2 * sizeof(Slot), term_size = 2 * sizeof(Slot);

// CRC-32 as zlib computes it.
Checksum checksum(std::string_view bytes) {
    static constexpr auto table = [] {
        std::array<Checksum, 256> remainders{};
        for (Checksum i = 0; i < remainders.size(); ++i) {
            Checksum r = i;
            for (int bit = 0; bit < 8; ++bit) r = r >> 1 ^ (r & 1 ? 0xedb88320 : 0);
            remainders[i] = r;
        }
        return remainders;
    }();
    Checksum sum = 0xffffffff;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        interruption.check_at(i);
        sum = sum >> 8 ^ table[(sum ^ static_cast<std::uint8_t>(bytes[i])) & 0xff];
    }
    return ~sum;
}

std::uint32_t rows() { return static_cast<std::uint32_t>(operations().size()); }

template <class T>
void write_numbers(ByteWriter& out, const std::vector<T>& numbers) {
    out.number<std::uint64_t>(numbers.size());
    for (const T number : numbers) out.number(number);
}

void write_program(ByteWriter& out, const Program& program) {
    write_numbers(out, program.constants);
    out.number(program.inputs);
    out.number<std::uint64_t>(program.instructions.size());
    for (std::size_t k = 0; k < program.instructions.size(); ++k) {
        interruption.check_at(k);
        const Instruction& instruction = program.instructions[k];
        out.number(static_cast<std::uint8_t>(instruction.op));
        if (instruction.op != dot) {
            out.number(instruction.x);
            out.number(instruction.y);
            continue;
        }
        const Dot& d = program.dots[instruction.x];
        out.number(d.count);
        out.number(d.addend);
        for (std::size_t i = d.first; i < d.first + d.count; ++i) {
            out.number(program.left[i]);
            out.number(program.right[i]);
        }
    }
    write_numbers(out, program.outputs);
    out.number(program.conditions);
}

template <class T>
std::vector<T> read_numbers(ByteReader& in) {
    std::vector<T> numbers(in.count(sizeof(T)));
    for (T& number : numbers) number = in.number<T>();
    return numbers;
}

// The reader of all but header and checksum, which are checked here.
ByteReader open(std::string_view bytes, std::uint32_t& rows_at_writing) {
    ByteReader in(bytes, "a damaged fastgrad graph");
    if (!bytes.starts_with(magic)) throw std::invalid_argument("not a fastgrad graph");
    in.raw(magic.size());
    const auto version = in.number<std::uint32_t>();
    if (version > format_version) {
        throw std::invalid_argument("a fastgrad graph in a newer format (version " + std::to_string(version) +
                                    "; this is " + std::to_string(format_version) + "): update fastgrad");
    }
    if (version == 0) in.reject("there is no version 0 of the format");
    rows_at_writing = in.number<std::uint32_t>();
    const auto size = in.number<std::uint64_t>();
    if (bytes.size() < size) {
        in.reject("it is cut short (" + std::to_string(bytes.size()) + " of " + std::to_string(size) + " bytes)");
    }
    if (bytes.size() > size) in.reject("something follows its end (byte " + std::to_string(size) + ")");
    if (size < header_size + sizeof(Checksum)) in.reject("it is cut short");
    const std::string_view all_but_checksum = bytes.substr(0, size - sizeof(Checksum));
    in.raw(all_but_checksum.size() - header_size);
    if (in.number<Checksum>() != checksum(all_but_checksum)) in.reject("its checksum is wrong");
    return {all_but_checksum.substr(header_size), "a damaged fastgrad graph"};
}

Origin read_origin(ByteReader& in) {
    Origin origin;
    origin.nodes = in.number<std::uint64_t>();
    origin.instructions = in.number<std::uint64_t>();
    const auto options = in.number<std::uint8_t>();
    if ((options & ~(rolls | vector_math)) != 0) in.reject("an option is unknown");
    origin.rolls = options & rolls;
    origin.vector_math = options & vector_math;
    const std::uint64_t passes = in.count(sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < passes; ++i) origin.passes.emplace_back(in.text());
    return origin;
}

BoundLeaves read_bound(ByteReader& in) {
    BoundLeaves bound;
    bound.numbers = read_numbers<double>(in);
    const std::uint64_t labels = in.count(sizeof(std::uint32_t) + sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < labels; ++i) {
        const auto leaf = in.number<std::uint32_t>();
        if (leaf >= bound.numbers.size()) in.reject("a label belongs to no leaf");
        if (i != 0 && leaf <= bound.labels.back().first) in.reject("the labels are not in order");
        bound.labels.emplace_back(leaf, in.text());
    }
    return bound;
}

// Instructions one by one, each checked against what stands before it.
class ProgramReader {
 public:
    ProgramReader(ByteReader& in, std::size_t bound, std::uint32_t rows_at_writing)
        : in_(in), rows_at_writing_(rows_at_writing) {
        program_.leaves.resize(bound);
        std::iota(program_.leaves.begin(), program_.leaves.end(), 0);
    }

    Program read() {
        program_.constants = read_numbers<double>(in_);
        program_.inputs = in_.number<std::uint32_t>();
        const std::uint64_t count = in_.count(instruction_size);
        const std::uint64_t first_result = program_.leaves.size() + program_.constants.size();
        if (first_result + count >= no_slot) in_.reject("it has too many numbers");
        if (program_.inputs > count) in_.reject("an input is missing");
        seen_.resize(program_.inputs);
        program_.instructions.reserve(count);
        next_ = static_cast<Slot>(first_result);
        for (std::uint64_t i = 0; i < count; ++i, ++next_) {
            interruption.check_at(i);
            instruction();
        }
        if (inputs_seen_ != program_.inputs) in_.reject("an input is missing");
        program_.outputs = read_numbers<Slot>(in_);
        for (const Slot output : program_.outputs) require(output);
        if (program_.outputs.empty()) in_.reject("it has no output");
        program_.conditions = in_.number<std::uint32_t>();
        if (program_.conditions > program_.outputs.size()) in_.reject("it has more conditions than outputs");
        return std::move(program_);
    }

 private:
    void instruction() {
        const auto number = in_.number<std::uint8_t>();
        const auto op = static_cast<Op>(number);
        const auto x = in_.number<Slot>();
        const auto y = in_.number<Slot>();
        if (op == dot) {
            program_.instructions.push_back({op, static_cast<Slot>(program_.dots.size()), 0});
            terms(x, y);
            return;
        }
        program_.instructions.push_back({op, x, y});
        if (op == Op::leaf) {
            if (x >= program_.inputs || seen_[x]) in_.reject("an input is there twice, or not counted");
            if (y != 0) in_.reject("an input has an operand");
            seen_[x] = true;
            ++inputs_seen_;
            return;
        }
        require_operation(number);
        require(x);
        if (!is_unary(op)) {
            require(y);
        } else if (y != 0) {
            in_.reject("an operation has an operand that it does not take");
        }
    }

    void terms(std::uint32_t count, Slot addend) {
        if (count == 0) in_.reject("a sum has no terms");
        if (count > in_.left() / term_size) in_.reject("a count is too large");
        if (addend != no_slot) require(addend);
        program_.dots.push_back({program_.left.size(), count, addend});
        for (std::uint32_t i = 0; i < count; ++i) {
            program_.left.push_back(in_.number<Slot>());
            program_.right.push_back(in_.number<Slot>());
            require(program_.left.back());
            require(program_.right.back());
        }
    }

    void require(Slot operand) const {
        if (operand >= next_) in_.reject("something is used before it is computed");
    }

    // Rows are appended to ops.def, never inserted: those that both sides have are the same.
    void require_operation(std::uint8_t number) const {
        const std::uint32_t row = std::uint32_t{number} - static_cast<std::uint32_t>(Op::custom);  // 1 is the first
        if (row != 0 && row <= std::min(rows(), rows_at_writing_)) return;
        if (row != 0 && row <= rows_at_writing_) {
            throw std::invalid_argument("a fastgrad graph with operation " + std::to_string(row) + " of " +
                                        std::to_string(rows_at_writing_) + ", of which this fastgrad has " +
                                        std::to_string(rows()) + ": update fastgrad");
        }
        in_.reject("an operation is unknown");
    }

    ByteReader& in_;
    const std::uint32_t rows_at_writing_;
    Program program_;
    std::vector<bool> seen_;  // the inputs
    std::uint32_t inputs_seen_ = 0;
    Slot next_ = 0;  // the slot of the next result
};

}  // namespace

std::string to_bytes(const Program& program, const Origin& origin, const BoundLeaves& bound) {
    ByteWriter out;
    out.reserve(512 + (bound.numbers.size() + program.constants.size()) * sizeof(double) +
                program.instructions.size() * instruction_size + program.left.size() * term_size +
                program.outputs.size() * sizeof(Slot) + bound.labels.size() * 32);
    out.raw(magic);
    out.number(format_version);
    out.number(rows());
    const std::size_t size_position = out.bytes().size();
    out.number<std::uint64_t>(0);
    out.number(origin.nodes);
    out.number(origin.instructions);
    out.number<std::uint8_t>((origin.rolls ? rolls : 0) | (origin.vector_math ? vector_math : 0));
    out.number<std::uint64_t>(origin.passes.size());
    for (const std::string& pass : origin.passes) out.text(pass);
    write_numbers(out, bound.numbers);
    out.number<std::uint64_t>(bound.labels.size());
    for (const auto& [leaf, label] : bound.labels) {
        out.number(leaf);
        out.text(label);
    }
    write_program(out, program);
    out.overwrite<std::uint64_t>(size_position, out.bytes().size() + sizeof(Checksum));
    out.number(checksum(out.bytes()));
    return out.take();
}

SavedGraph from_bytes(std::string_view bytes) {
    std::uint32_t rows_at_writing = 0;
    ByteReader in = open(bytes, rows_at_writing);
    SavedGraph saved;
    saved.origin = read_origin(in);
    saved.bound = read_bound(in);
    saved.program = ProgramReader(in, saved.bound.numbers.size(), rows_at_writing).read();
    in.require_end();
    return saved;
}

}  // namespace fastgrad::ir
