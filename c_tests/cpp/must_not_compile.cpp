// What the compiler must refuse, one case at a time (-DCASE=n), each with the words that it must say. Case 0 compiles.
#include "astensor/astensor.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace astensor;

struct unknown {};
const std::vector<float> make();

int main() {
    std::vector<float> numbers = {1, 2, 3};
    std::vector<bool> truths = {true};
    const std::vector<float> constant = {1};
    tensor t = as_tensor(numbers);
    static_cast<void>(truths);
    static_cast<void>(constant);
#if CASE == 1  // packs its elements
    static_cast<void>(as_tensor(truths));
#elif CASE == 2  // packs its elements
    static_cast<void>(as_tensor(std::vector<bool>{true}));
#elif CASE == 3  // packs its elements
    static_cast<void>(astensor::copy(truths));
#elif CASE == 4  // text is not numbers
    static_cast<void>(as_tensor(std::string("text")));
#elif CASE == 5  // text is not numbers
    static_cast<void>(as_tensor("text"));
#elif CASE == 6  // text is not numbers
    static_cast<void>(as_tensor(std::string_view("text")));
#elif CASE == 7  // text is not numbers
    static_cast<void>(as_tensor(std::vector<char>{'a'}));
#elif CASE == 8  // a const temporary
    static_cast<void>(as_tensor(std::move(constant)));
#elif CASE == 9  // a const temporary
    static_cast<void>(as_tensor(make()));
#elif CASE == 10  // has no dtype
    static_cast<void>(as_tensor(std::vector<std::vector<float>>{{1}}));
#elif CASE == 11  // has no dtype
    static_cast<void>(as_tensor(std::vector<long double>{1}));
#elif CASE == 12  // neither a number nor a container
    static_cast<void>(as_tensor(unknown{}));
#elif CASE == 13  // must be numbers
    static_cast<void>(as_tensor({"one", "two"}));
#elif CASE == 14  // delete
    static_cast<void>(as_tensor(numbers).data<float>());
#elif CASE == 15  // an owner is moved in
    static_cast<void>(adopt(numbers.data(), {3}, numbers));
#elif CASE == 16  // nodiscard
    as_tensor(numbers);
#elif CASE == 17  // nodiscard
    t.try_fill(1);
#elif CASE == 18  // no match
    static_cast<void>(t(1.5));
#elif CASE == 19  // no match
    static_cast<void>(as_tensor(numbers.data()));
#elif CASE == 20  // fill() takes a number
    t.fill(numbers);
#elif CASE == 21  // delete
    static_cast<void>(options().raw());
#elif CASE == 22  // specialise astensor::dtype_of
    static_cast<void>(t.at<unknown>(0));
#elif CASE == 23  // volatile
    volatile float moving = 1;
    static_cast<void>(as_tensor(&moving, {}));
#elif CASE == 24  // cannot be moved
    float array[2] = {1, 2};
    static_cast<void>(as_tensor(std::move(array)));
#elif CASE == 25  // a temporary cannot be lent
    loan lent(std::vector<float>{1});
#elif CASE == 26  // what is lent is a container
    loan lent(truths);
#elif CASE == 27  // delete
    static_cast<void>(pin(t).data<float>());
#endif
}
