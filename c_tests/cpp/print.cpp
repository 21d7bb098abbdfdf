// Tensors as text.
#include "check.hpp"

#include <iomanip>
#include <sstream>

using namespace astensor;

namespace {

void tensors_print_like_torchs() {
    std::ostringstream stream;
    stream << as_tensor({1, 2, 3}, int64) << "\n" << as_tensor({{1.5f, 2.0f}, {-3.0f, 0.25f}}) << "\n";
    CHECK(stream.str() == "tensor([1, 2, 3])\ntensor([[ 1.5000,  2.0000],\n        [-3.0000,  0.2500]])\n");
    CHECK(to_string(as_tensor({true, false})) == "tensor([ True, False])");
    CHECK(to_string(as_tensor(2.5, float32)) == "tensor(2.5000)");
    CHECK(to_string(as_tensor({1, 2})) == "tensor([1, 2], dtype=int32)");
    CHECK(to_string(as_tensor(std::vector<float>())) == "tensor([])");
}

void the_style_can_be_chosen() {
    const tensor t = as_tensor({1.23456, 1000.0}, float32);
    CHECK(to_string(t, text_style().precision(1).scientific(sci_mode::off)) == "tensor([   1.2, 1000.0])");
    CHECK(to_string(t, text_style().precision(1).scientific(sci_mode::on)) == "tensor([1.2e+00, 1.0e+03])");
    const tensor many = as_tensor(std::vector<std::int64_t>(2000, 7));
    CHECK(to_string(many) == "tensor([7, 7, 7,  ..., 7, 7, 7])");
    CHECK(to_string(many, text_style().edge_items(1)) == "tensor([7,  ..., 7])");
    CHECK(to_string(many, text_style().threshold(INT64_MAX).line_width(40)).size() > 2000);
    CHECK_THROWS(to_string(t, text_style().precision(-1)), TENSOR_ERROR_ARGUMENT, "precision");
    CHECK_THROWS(to_string(tensor()), TENSOR_ERROR_NULL, "");
    char small[8];
    std::size_t needed = 0;
    CHECK_OK(try_format(many, {}, small, sizeof small, needed));
    CHECK(std::string(small) == "tensor(" && needed == 32);
#ifdef __cpp_lib_format
    CHECK(std::format("{}|{:>10}", as_tensor(3, int64), as_tensor(3, int64)) == "tensor(3)| tensor(3)");
    std::printf("with std::format\n");
#endif
}

}  // namespace

int main() {
    tensors_print_like_torchs();
    the_style_can_be_chosen();
    return check_result();
}
