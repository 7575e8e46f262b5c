// Writes numbers and strings as little-endian bytes, and reads them back from untrusted input.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fastgrad {

static_assert(std::endian::native == std::endian::little, "the bytes of what is saved are little-endian");

class ByteWriter {
 public:
    void reserve(std::size_t size) { bytes_.reserve(size); }
    void raw(std::string_view bytes) { bytes_.append(bytes); }
    template <class T>
    void number(T value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(std::string_view text) {
        number<std::uint64_t>(text.size());
        raw(text);
    }

    template <class T>
    void overwrite(std::size_t position, T value) {
        std::memcpy(bytes_.data() + position, &value, sizeof value);
    }

    std::string_view bytes() const { return bytes_; }
    std::string take() { return std::move(bytes_); }

 private:
    std::string bytes_;
};

// Throws std::invalid_argument for invalid bytes; `subject`, a literal, begins the message.
class ByteReader {
 public:
    ByteReader(std::string_view bytes, const char* subject) : rest_(bytes), subject_(subject) {}

    [[noreturn]] void reject(const std::string& why) const {
        throw std::invalid_argument(std::string(subject_) + ": " + why);
    }

    std::string_view raw(std::uint64_t size) {
        if (size > rest_.size()) reject("it is cut short");
        const std::string_view bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return bytes;
    }
    // The bytes that every file of a format starts with.
    void expect(std::string_view magic) {
        if (!rest_.starts_with(magic)) reject("it starts otherwise");
        rest_.remove_prefix(magic.size());
    }
    template <class T>
    T number() {
        T value;
        std::memcpy(&value, raw(sizeof value).data(), sizeof value);
        return value;
    }
    std::string_view text() { return raw(number<std::uint64_t>()); }

    // A count of items of at least `size` bytes each, which therefore cannot exceed the remaining bytes.
    std::uint64_t count(std::size_t size) {
        const auto count = number<std::uint64_t>();
        if (count > rest_.size() / size) reject("a count is too large");
        return count;
    }
    std::size_t left() const { return rest_.size(); }
    void require_end() const {
        if (!rest_.empty()) reject("something follows its end");
    }

 private:
    std::string_view rest_;
    const char* subject_;
};

}  // namespace fastgrad
