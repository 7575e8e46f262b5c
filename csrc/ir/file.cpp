#include "ir/file.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/bytes.hpp"
#include "core/interruption.hpp"
#include "ir/verify.hpp"

namespace fastgrad::ir {

namespace {

constexpr std::string_view magic = "fastgrad graph\r\n";
constexpr std::uint32_t format_version = 2;
constexpr std::uint8_t loops = 1, vector_math = 2;
constexpr std::size_t guard_size = sizeof(Slot) + sizeof(std::uint8_t);

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
        if (instruction.op != Opcode::dot) {
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
    out.number<std::uint64_t>(program.guards.size());
    for (const Guard& guard : program.guards) {
        out.number(guard.condition);
        out.number<std::uint8_t>(guard.expected);
    }
}

template <class T>
std::vector<T> read_numbers(ByteReader& in) {
    std::vector<T> numbers(in.count(sizeof(T)));
    for (T& number : numbers) number = in.number<T>();
    return numbers;
}

struct Header {
    std::uint32_t version = 0, rows = 0;  // in ops.def at writing
};

// A reader positioned after the header. Checks the header and the checksum.
ByteReader open(std::string_view bytes, Header& header) {
    ByteReader in(bytes, "a damaged fastgrad graph");
    if (!bytes.starts_with(magic)) throw std::invalid_argument("not a fastgrad graph");
    in.raw(magic.size());
    const std::uint32_t version = header.version = in.number<std::uint32_t>();
    if (version > format_version) {
        throw std::invalid_argument("a fastgrad graph in a newer format (version " + std::to_string(version) +
                                    "; this is " + std::to_string(format_version) + "): update fastgrad");
    }
    if (version == 0) in.reject("there is no version 0 of the format");
    header.rows = in.number<std::uint32_t>();
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

// The current name of a pass that version 1 may call differently.
std::string_view present_name(std::string_view pass) {
    constexpr std::pair<std::string_view, std::string_view> renamed[] = {
        {"power", "strength_reduction"}, {"share", "cse"}, {"prune", "dce"}, {"dot", "gather_dots"}};
    for (const auto& [before, now] : renamed) {
        if (pass == before) return now;
    }
    return pass;
}

Origin read_origin(ByteReader& in, std::uint32_t version) {
    Origin origin;
    origin.nodes = in.number<std::uint64_t>();
    origin.instructions = in.number<std::uint64_t>();
    const auto options = in.number<std::uint8_t>();
    if ((options & ~(loops | vector_math)) != 0) in.reject("an option is unknown");
    origin.loops = options & loops;
    origin.vector_math = options & vector_math;
    const std::uint64_t passes = in.count(sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < passes; ++i) {
        const std::string_view pass = in.text();
        origin.passes.emplace_back(version == 1 ? present_name(pass) : pass);
    }
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

class ProgramReader {
 public:
    ProgramReader(ByteReader& in, std::size_t bound, const Header& header) : in_(in), header_(header) {
        program_.leaves.resize(bound);
        std::iota(program_.leaves.begin(), program_.leaves.end(), 0);
    }

    Program read() {
        program_.constants = read_numbers<double>(in_);
        program_.inputs = in_.number<std::uint32_t>();
        const std::uint64_t count = in_.count(instruction_size);
        program_.instructions.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            interruption.check_at(i);
            read_instruction();
        }
        program_.outputs = read_numbers<Slot>(in_);
        if (header_.version == 1) {
            if (in_.number<std::uint32_t>() > program_.outputs.size()) {
                in_.reject("it has more conditions than outputs");
            }
        } else {
            read_guards();
        }
        if (const std::string error = error_in(program_); !error.empty()) in_.reject(error);
        return std::move(program_);
    }

 private:
    void read_instruction() {
        const auto number = in_.number<std::uint8_t>();
        const auto x = in_.number<Slot>();
        const auto y = in_.number<Slot>();
        const auto op = static_cast<Opcode>(number);
        if (op == Opcode::dot) {
            program_.instructions.push_back({op, static_cast<Slot>(program_.dots.size()), 0});
            read_terms(x, y);
            return;
        }
        require_known(number);
        program_.instructions.push_back({op, x, y});
    }

    void read_terms(std::uint32_t count, Slot addend) {
        if (count > in_.left() / term_size) in_.reject("a count is too large");
        program_.dots.push_back({program_.left.size(), count, addend});
        for (std::uint32_t i = 0; i < count; ++i) {
            program_.left.push_back(in_.number<Slot>());
            program_.right.push_back(in_.number<Slot>());
        }
    }

    void read_guards() {
        const std::uint64_t count = in_.count(guard_size);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto condition = in_.number<Slot>();
            const auto expected = in_.number<std::uint8_t>();
            if (expected > 1) in_.reject("the answer of a guard is neither true nor false");
            program_.guards.push_back({condition, expected == 1});
        }
    }

    // Rows are appended to ops.def, never inserted, so the rows that both sides have are the same.
    void require_known(std::uint8_t number) const {
        if (number == static_cast<std::uint8_t>(Opcode::input)) return;
        const std::uint32_t row = std::uint32_t{number} - static_cast<std::uint32_t>(Op::custom);  // 1 is the first
        if (row != 0 && row <= std::min(rows(), header_.rows)) return;
        if (row != 0 && row <= header_.rows) {
            throw std::invalid_argument("a fastgrad graph with operation " + std::to_string(row) + " of " +
                                        std::to_string(header_.rows) + ", of which this fastgrad has " +
                                        std::to_string(rows()) + ": update fastgrad");
        }
        in_.reject("an operation is unknown");
    }

    ByteReader& in_;
    const Header header_;
    Program program_;
};

}  // namespace

std::string to_bytes(const Program& program, const Origin& origin, const BoundLeaves& bound) {
    ByteWriter out;
    out.reserve(512 + (bound.numbers.size() + program.constants.size()) * sizeof(double) +
                program.instructions.size() * instruction_size + program.left.size() * term_size +
                program.outputs.size() * sizeof(Slot) + program.guards.size() * guard_size +
                bound.labels.size() * 32);
    out.raw(magic);
    out.number(format_version);
    out.number(rows());
    const std::size_t size_position = out.bytes().size();
    out.number<std::uint64_t>(0);
    out.number(origin.nodes);
    out.number(origin.instructions);
    out.number<std::uint8_t>((origin.loops ? loops : 0) | (origin.vector_math ? vector_math : 0));
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
    Header header;
    ByteReader in = open(bytes, header);
    SavedGraph saved;
    saved.origin = read_origin(in, header.version);
    saved.bound = read_bound(in);
    saved.program = ProgramReader(in, saved.bound.numbers.size(), header).read();
    in.require_end();
    return saved;
}

}  // namespace fastgrad::ir
