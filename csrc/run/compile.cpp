#include "run/compile.hpp"

#include <algorithm>
#include <utility>

#include "passes/passes.hpp"

namespace fastgrad::run {

using passes::PassId;

std::unique_ptr<Executable> compile(ir::Program program, ir::Origin& origin, const std::vector<std::string>& passes,
                                    std::string_view instruction_set) {
    const passes::Selection selection(passes);
    selection.run(program);
    origin.loops = origin.loops || selection.has(PassId::reroll);
    origin.vector_math = origin.vector_math || selection.has(PassId::vector_math);
    for (const std::string& pass : passes) {
        if (std::find(origin.passes.begin(), origin.passes.end(), pass) == origin.passes.end()) {
            origin.passes.push_back(pass);
        }
    }
    return std::make_unique<Executable>(std::move(program), origin.loops,
                                        kernels(instruction_set, origin.vector_math));
}

}  // namespace fastgrad::run
