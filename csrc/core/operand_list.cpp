#include "core/operand_list.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "core/tape.hpp"

namespace fastgrad {

namespace {

// Exponentials keep what they were shifted to, themselves, and their sum; a norm keeps the lengths of the beginnings.
std::size_t numbers_saved(Op op, std::size_t size) {
    switch (op) {
        case Op::norm: return size;
        case Op::logsumexp:
        case Op::cross_entropy:
        case Op::softmax:
        case Op::log_softmax: return 2 * size + 1;
        default: return 0;
    }
}

}  // namespace

OperandList::Pointer OperandList::allocate(std::size_t size, std::size_t saved, std::size_t results) {
    if (size >= std::numeric_limits<std::uint32_t>::max() / 4) throw std::bad_alloc();
    const std::size_t bytes = sizeof(OperandList) + size * (sizeof(Operand) + 1) + (saved + results) * sizeof(double);
    void* memory = ::operator new(bytes);
    return Pointer(new (memory) OperandList(static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(saved),
                                            static_cast<std::uint32_t>(results)));
}

OperandList::Pointer OperandList::make(Op op, std::size_t size) {
    Pointer list = allocate(size, numbers_saved(op, size), has_several_results(op) ? size : 0);
    std::fill_n(list->operands(), size, Operand(0.0));
    std::fill_n(list->numbers(), list->saved_ + list->results_, 0.0);
    std::fill_n(list->constant(), size, std::uint8_t{1});
    return list;
}

OperandList::Pointer OperandList::copy(Op op) const {
    Pointer twin = make(op, size_);
    twin->target = target;
    for (std::size_t i = 0; i < size_; ++i) {
        if (is_constant(i)) {
            twin->set(i, constant(i));
        } else {
            twin->set(i, node(i));
        }
    }
    std::copy_n(numbers(), saved_, twin->numbers());
    return twin;
}

void OperandList::destroy(OperandList* list) {
    for (std::size_t i = 0; i < list->size_; ++i) {
        if (!list->is_constant(i)) tape.release_slot(list->node(i));
    }
    deallocate(list);
}

}  // namespace fastgrad
