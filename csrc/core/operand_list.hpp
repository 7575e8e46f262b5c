// The operands of a node that has many, and the numbers that its reverse needs besides them. They share one block of
// memory, because a dot product allocates a list for each of its nodes.
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

    // `size` operands of `op`, all set to the constant 0. Throws std::bad_alloc.
    static Pointer make(Op op, std::size_t size);
    // A copy with the same operands and numbers. Throws std::bad_alloc.
    Pointer copy(Op op) const;
    // For a list that no longer owns any operand.
    static void deallocate(OperandList* list);
    // The number of live lists, and their bytes.
    static std::size_t live() { return live_; }
    static std::size_t live_bytes() { return live_bytes_; }

    // The operands by position. A loop should keep the view, because the list recomputes where its operands begin.
    class View {
     public:
        std::size_t size() const { return size_; }
        bool is_constant(std::size_t i) const { return constant_[i] != 0; }
        Node* node(std::size_t i) const { return operands_[i].node; }
        double constant(std::size_t i) const { return operands_[i].constant; }
        const Operand& operand(std::size_t i) const { return operands_[i]; }
        double operator[](std::size_t i) const { return is_constant(i) ? constant(i) : node(i)->data; }

        // Sets an operand, once. The list owns a new reference to the node.
        void set(std::size_t i, Node* node) {
            ++node->refs;
            replace_constant(i, node);
        }
        void set(std::size_t i, double number) { operands_[i].constant = number; }
        // Takes over the one reference to a node.
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

    // What the forward pass saves for the reverse.
    std::span<double> saved() { return {numbers(), saved_}; }
    // For an operation with several results: their gradients during a sweep, or `nothing`.
    static constexpr double nothing = -0.0;  // adding to it keeps the sign of a first 0
    static bool is_nothing(double cotangent) { return cotangent == 0.0 && std::signbit(cotangent); }
    std::span<double> cotangents() { return {numbers() + saved_, results_}; }
    std::span<const double> cotangents() const { return {numbers() + saved_, results_}; }

    std::uint32_t target = no_target;  // of a cross entropy: the class number, if the target was given as one

 private:
    OperandList(std::uint32_t size, std::uint32_t saved, std::uint32_t results)
        : size_(size), saved_(saved), results_(results) {}
    static void destroy(OperandList* list);
    static Pointer allocate(std::size_t size, std::size_t saved, std::size_t results);

    // After this header come the operands, the numbers, and for each operand a byte that tells whether it is a
    // constant.
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
