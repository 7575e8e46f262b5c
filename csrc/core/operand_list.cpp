#include "core/operand_list.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "core/sequence_table.hpp"
#include "core/tape.hpp"

namespace fastgrad {

OperandList::Pointer OperandList::allocate(std::size_t size, std::size_t saved, std::size_t results) {
    if (size >= std::numeric_limits<std::uint32_t>::max() / 4) throw std::bad_alloc();
    const std::size_t size_in_bytes = bytes(size, saved, results);
    void* memory = ::operator new(size_in_bytes);
    ++live_;
    live_bytes_ += size_in_bytes;
    return Pointer(new (memory) OperandList(static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(saved),
                                            static_cast<std::uint32_t>(results)));
}

OperandList::Pointer OperandList::make(Op op, std::size_t size) {
    const SequenceOperation& row = sequence_operation(op);
    Pointer list = allocate(size, row.saved(size), row.results == Results::each ? size : 0);
    std::fill_n(list->operands(), size, Operand(0.0));
    std::fill_n(list->numbers(), list->saved_, 0.0);
    std::fill_n(list->numbers() + list->saved_, list->results_, nothing);
    std::fill_n(list->constant(), size, std::uint8_t{1});
    return list;
}

OperandList::Pointer OperandList::copy(Op op) const {
    Pointer twin = make(op, size_);
    twin->target = target;
    const View from = view();
    View to = twin->view();
    for (std::size_t i = 0; i < size_; ++i) {
        if (from.is_constant(i)) {
            to.set(i, from.constant(i));
        } else {
            to.set(i, from.node(i));
        }
    }
    std::copy_n(numbers(), saved_, twin->numbers());
    return twin;
}

void OperandList::deallocate(OperandList* list) {
    --live_;
    live_bytes_ -= list->bytes();
    ::operator delete(list);
}

void OperandList::destroy(OperandList* list) {
    const View operands = list->view();
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (!operands.is_constant(i)) tape.release_slot(operands.node(i));
    }
    deallocate(list);
}

}  // namespace fastgrad
