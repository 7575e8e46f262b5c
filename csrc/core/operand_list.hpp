// The operands of a node that has many, and the numbers that its reverse needs besides them. One block of memory,
// since a dot product makes one for each of its nodes.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include "core/node.hpp"

namespace fastgrad {

class OperandList {
 public:
    static constexpr std::uint32_t no_target = 0xffffffff;

    struct Deleter {
        void operator()(OperandList* list) const { destroy(list); }
    };
    using Pointer = std::unique_ptr<OperandList, Deleter>;

    // `size` operands of `op`, all of them the constant 0. Throws std::bad_alloc.
    static Pointer make(Op op, std::size_t size);
    // With the same operands and numbers. Throws std::bad_alloc.
    Pointer copy(Op op) const;
    // Of a list that owns no operand any more.
    static void deallocate(OperandList* list);
    // How many there are, and their bytes.
    static std::size_t live() { return live_; }
    static std::size_t live_bytes() { return live_bytes_; }

    // The operands by position. A loop over them should keep its view: the list itself must look up where they begin.
    class View {
     public:
        std::size_t size() const { return size_; }
        bool is_constant(std::size_t i) const { return constant_[i] != 0; }
        Node* node(std::size_t i) const { return operands_[i].node; }
        double constant(std::size_t i) const { return operands_[i].constant; }
        const Operand& operand(std::size_t i) const { return operands_[i]; }
        double operator[](std::size_t i) const { return is_constant(i) ? constant(i) : node(i)->data; }

        // An operand is set once. A node gains a reference, which the list owns.
        void set(std::size_t i, Node* node) {
            ++node->refs;
            replace_constant(i, node);
        }
        void set(std::size_t i, double number) { operands_[i].constant = number; }
        // A node whose one reference is handed over.
        void replace_constant(std::size_t i, Node* node) {
            operands_[i].node = node;
            constant_[i] = false;
        }

     private:
        friend class OperandList;
        View(Operand* operands, std::uint8_t* constant, std::size_t size)
            : operands_(operands), constant_(constant), size_(size) {}

        Operand* operands_;
        std::uint8_t* constant_;
        std::size_t size_;
    };
    View view() const { return {operands(), constant(), size_}; }
    std::uint32_t size() const { return size_; }

    // What the forward pass keeps for the reverse.
    std::span<double> saved() { return {numbers(), saved_}; }
    // Of an operation with several results: their gradients in a sweep that is under way, or `nothing`.
    static constexpr double nothing = -0.0;  // adding to it keeps the sign of a first 0
    static bool is_nothing(double cotangent) { return cotangent == 0.0 && std::signbit(cotangent); }
    std::span<double> cotangents() { return {numbers() + saved_, results_}; }
    std::span<const double> cotangents() const { return {numbers() + saved_, results_}; }

    std::uint32_t target = no_target;  // of a cross entropy: the number of the class, if that is what was given

 private:
    OperandList(std::uint32_t size, std::uint32_t saved, std::uint32_t results)
        : size_(size), saved_(saved), results_(results) {}
    static void destroy(OperandList* list);
    static Pointer allocate(std::size_t size, std::size_t saved, std::size_t results);

    // Behind this header: operands, numbers, and a byte for each operand that tells whether it is a constant.
    Operand* operands() const { return reinterpret_cast<Operand*>(const_cast<OperandList*>(this) + 1); }
    double* numbers() const { return reinterpret_cast<double*>(operands() + size_); }
    std::uint8_t* constant() const { return reinterpret_cast<std::uint8_t*>(numbers() + saved_ + results_); }

    std::size_t bytes() const { return bytes(size_, saved_, results_); }
    static std::size_t bytes(std::size_t size, std::size_t saved, std::size_t results) {
        return sizeof(OperandList) + size * (sizeof(Operand) + 1) + (saved + results) * sizeof(double);
    }

    static inline std::size_t live_ = 0, live_bytes_ = 0;
    std::uint32_t size_, saved_, results_;
};
static_assert(sizeof(OperandList) == 16);

}  // namespace fastgrad
