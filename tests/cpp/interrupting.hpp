// Ctrl-C without a keyboard.
#pragma once

#include "core/interruption.hpp"

namespace fastgrad::test {

// While this lives, somebody has pressed Ctrl-C.
class Interrupting {
 public:
    Interrupting() {
        interruption = {[] { return true; }, [] { return true; }};
    }
    ~Interrupting() { interruption = before_; }
    Interrupting(const Interrupting&) = delete;
    Interrupting& operator=(const Interrupting&) = delete;

 private:
    const Interruption before_ = interruption;
};

}  // namespace fastgrad::test
