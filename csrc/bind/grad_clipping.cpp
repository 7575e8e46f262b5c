// Gradient clipping, under PyTorch's names.
#include "core/grad_clipping.hpp"

#include <pybind11/pybind11.h>

#include <cmath>

#include "bind/arguments.hpp"
#include "bind/registration.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace fastgrad::bind {

namespace {

double clip_grad_norm(const py::object& parameters, py::handle max_norm, py::handle norm_type,
                      py::handle error_if_nonfinite) {
    refuse("clip_grad_norm_()");
    const double most = number(max_norm, "max_norm", ranges::from_0),
                 p = number(norm_type, "norm_type", ranges::above_0);
    const bool refuses_nonfinite = flag(error_if_nonfinite, "error_if_nonfinite");
    const NodeRefs leaves = leaves_of(parameters);
    const double norm = gradient_norm(leaves.nodes(), p);
    if (refuses_nonfinite && !std::isfinite(norm)) {
        raise(PyExc_RuntimeError,
              "the norm of the gradients is %R, to which they cannot be clipped: look where the loss stopped being "
              "finite, or let error_if_nonfinite be False",
              py::float_(norm).ptr());
    }
    limit_gradient_norm(leaves.nodes(), norm, most);
    return norm;
}

void clip_grad_value(const py::object& parameters, py::handle clip_value) {
    refuse("clip_grad_value_()");
    const double most = number(clip_value, "clip_value", ranges::from_0);
    limit_gradients(leaves_of(parameters).nodes(), most);
}

}  // namespace

void register_grad_clipping(py::module_& module) {
    module.def("clip_grad_norm_", &clip_grad_norm, "parameters"_a, "max_norm"_a, "norm_type"_a = 2.0,
               "error_if_nonfinite"_a = false,
               "Scale the gradients down so that all of them together have at most the norm max_norm.\n\n"
               "Each is multiplied by min(1, max_norm / (norm + 1e-6)), as ``torch.nn.utils.clip_grad_norm_`` does,\n"
               "so that a norm of inf makes finite gradients 0, and a norm of nan all of them nan.\n\n"
               "Args:\n"
               "    parameters: An iterable of leaf Values.\n"
               "    max_norm: At least 0; with inf the gradients stay, and the norm is only found.\n"
               "    norm_type: The norm's order, above 0; inf for the largest gradient's size.\n"
               "    error_if_nonfinite: Whether a norm of inf or nan is an error; the gradients stay then.\n\n"
               "Returns:\n"
               "    The norm before the gradients were scaled, a float; 0.0 without parameters.\n\n"
               "Raises:\n"
               "    TypeError: something among the parameters is no Value, max_norm or norm_type no number; or\n"
               "        inside a function that is being recorded.\n"
               "    ValueError: a parameter is no leaf or is given twice, or a number is out of range.\n"
               "    RuntimeError: the norm is not finite, and error_if_nonfinite is true.");
    module.def("clip_grad_value_", &clip_grad_value, "parameters"_a, "clip_value"_a,
               "Clip each gradient into [-clip_value, clip_value]; nan stays.\n\n"
               "Args:\n"
               "    parameters: An iterable of leaf Values.\n"
               "    clip_value: At least 0.\n\n"
               "Raises:\n"
               "    TypeError: something among the parameters is no Value, or clip_value no number; or inside a\n"
               "        function that is being recorded.\n"
               "    ValueError: a parameter is no leaf or is given twice, or clip_value is below 0 or nan.");
}

}  // namespace fastgrad::bind
