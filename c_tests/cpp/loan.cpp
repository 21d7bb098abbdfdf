// Loans and pins as objects of a scope: what the end of a scope does, and whom it tells.
#include "check.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#ifdef __cpp_lib_span
#include <span>
#endif

using namespace astensor;

namespace {

/** An alarm that remembers what it was told. */
struct listener {
    int calls = 0;
    std::string sentence;
    loan::alarm alarm() {
        return [this](loan &, const char *said) {
            calls++;
            sentence = said;
        };
    }
};

void the_end_of_an_unused_loan_is_silent() {
    std::vector<float> numbers = {1, 2, 3};
    listener heard;
    {
        loan lent(numbers, heard.alarm());
        tensor t = lent.as_tensor(numbers);
        CHECK(lent && lent.count() == 1 && t.at<float>(1) == 2);
        CHECK(t.shape() == dims{3} && t.origin().action == TENSOR_ACTION_ALIAS);
    }
    {
        loan lent(numbers, heard.alarm());
        lent.close();
        CHECK(!lent);
    }
    CHECK(heard.calls == 0);
}

void the_end_of_a_loan_in_use_tells_and_moves_what_is_alive() {
    tensor kept, view;
    listener heard;
    {
        std::vector<double> numbers = {1, 2, 3, 4};
        loan lent(numbers, heard.alarm());
        kept = lent.as_tensor(numbers, options());
        view = kept.reshape({2, 2})(all, -1);
        CHECK_STATUS(lent.try_close(), TENSOR_ERROR_BUSY);
        CHECK(lent && kept.shape() == dims{4} && kept.strides() == dims{1} && kept.size(-1) == 4 && kept.dtype() == float64);
        CHECK(view.device().device_type == kDLCPU && lent.count(TENSOR_LOAN_PINS) == 0);
    }
    CHECK(heard.calls == 1 && heard.sentence.find("1 tensor") != std::string::npos
          && heard.sentence.find("1 view") != std::string::npos);
    // On memory of their own, which they still share.
    CHECK(kept.at<double>(3) == 4 && view.at<double>(0) == 2 && kept.shares_memory(view));
    view.at<double>(1) = 40;
    CHECK(kept.at<double>(3) == 40);
}

void the_alarm_may_see_to_it() {
    std::vector<int> numbers = {1, 2};
    tensor kept;
    {
        loan lent(numbers, [&](loan &, const char *) { kept.reset(); });
        kept = lent.as_tensor(numbers);
    }
    CHECK(!kept);
    {
        loan lent(numbers);
        lent.on_alarm([](loan &ending, const char *) { ending.revoke(); });
        kept = lent.as_tensor(numbers);
    }
    CHECK(kept.shape() == dims{2});
    CHECK_THROWS(kept.at<int>(0), TENSOR_ERROR_REVOKED, "taken the memory back");
    CHECK_THROWS(kept(0), TENSOR_ERROR_REVOKED, "");
    CHECK_THROWS(kept.copy(), TENSOR_ERROR_REVOKED, "");
    CHECK_THROWS(kept.data<int>(), TENSOR_ERROR_REVOKED, "taken the memory back");
    CHECK_THROWS(kept.as_range<int>(), TENSOR_ERROR_REVOKED, "");
}

// After the end of the scope the memory would be used when it is gone: so the program ends, as with a running std::thread.
void the_end_under_a_raw_pointer_terminates() {
    const pid_t child = fork();
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        std::vector<float> numbers(4);
        tensor kept;
        {
            loan lent(numbers, [](loan &, const char *) {});
            kept = lent.as_tensor(numbers);
            kept.data<float>()[0] = 1;
        }
        _exit(1);
    }
    int ended = 0;
    CHECK(waitpid(child, &ended, 0) == child);
    CHECK(WIFEXITED(ended) && WEXITSTATUS(ended) == 42);
}

void what_is_not_on_the_loan_is_refused() {
    std::vector<float> numbers(4), others(4);
    loan lent(numbers);
    CHECK_THROWS(lent.as_tensor(others), TENSOR_ERROR_BOUNDS, "");
    CHECK_THROWS(lent.as_tensor(numbers.data(), {5}), TENSOR_ERROR_BOUNDS, "");
    CHECK(lent.as_tensor(numbers.data(), {2, 2}).numel() == 4);
    CHECK(lent.as_tensor(numbers.data() + 3, {4}, {-1}).at<float>(0) == 0);
#ifdef __cpp_lib_span
    CHECK(lent.as_tensor(std::span<float>(numbers).subspan(1)).numel() == 3);
    loan part(std::span<float>(others).first(2));
    CHECK_THROWS(part.as_tensor(others), TENSOR_ERROR_BOUNDS, "");
    CHECK(part.as_tensor(others.data(), {2}).numel() == 2);
#endif
    std::vector<float> temporary(2);
    CHECK_THROWS(lent.as_tensor(std::move(temporary)), TENSOR_ERROR_BOUNDS, "");
    CHECK(temporary.size() == 2);
    CHECK(lent.count() == 0);
}

void const_memory_is_lent_for_reading() {
    const std::vector<float> numbers = {1, 2};
    loan lent(numbers);
    tensor t = lent.as_tensor(numbers);
    CHECK(t.is_read_only() && t.at<const float>(1) == 2);
    CHECK_THROWS(pin(t, TENSOR_PIN_WRITE), TENSOR_ERROR_READ_ONLY, "");
    t.reset();
    float plain[2] = {};
    loan array(plain), bytes(plain, 4);
    CHECK(array.as_tensor(plain).numel() == 2);
    CHECK_THROWS(bytes.as_tensor(plain), TENSOR_ERROR_BOUNDS, "");
    CHECK_THROWS(loan(static_cast<int *>(nullptr), 8), TENSOR_ERROR_NULL, "");
}

void loans_move() {
    std::vector<float> numbers(2);
    listener heard;
    loan lent(numbers, heard.alarm());
    tensor t = lent.as_tensor(numbers);
    loan moved = std::move(lent);
    CHECK(!lent && moved && moved.count() == 1);
    CHECK_STATUS(lent.try_close(), TENSOR_ERROR_NULL);
    moved = loan();
    CHECK(!moved && heard.calls == 1);
    // Evacuated: the vector's memory is its own again.
    t.at<float>(0) = 5;
    CHECK(numbers[0] == 0);
}

void a_loan_waits_for_other_threads() {
    std::vector<float> numbers = {1, 2};
    loan lent(numbers);
    tensor t = lent.as_tensor(numbers);
    CHECK_STATUS(lent.try_wait(std::chrono::milliseconds(1)), TENSOR_ERROR_BUSY);
    std::thread other([mine = std::move(t)]() mutable { mine.reset(); });
    lent.wait();
    lent.close();
    other.join();
}

void pins_last_for_a_scope() {
    std::vector<float> numbers = {1, 2, 3, 4};
    loan lent(numbers);
    tensor t = lent.as_tensor(numbers);
    tensor even = t(slice(none, none, 2)), odd = t(slice(1, none, 2));
    {
        pin writing(even, TENSOR_PIN_WRITE);
        writing.data<float>()[2] = 30;
        CHECK(numbers[2] == 30 && writing.view()->strides[0] == 2 && lent.count(TENSOR_LOAN_PINS) == 1);
        CHECK_THROWS(pin(t), TENSOR_ERROR_ALIASED, "");
        pin beside(odd, TENSOR_PIN_WRITE), none_yet, moved = std::move(beside);
        CHECK(moved && !beside && !none_yet && beside.view() == nullptr);
        CHECK_THROWS(beside.data<float>(), TENSOR_ERROR_NULL, "nothing is pinned");
        CHECK_THROWS(moved.data<int>(), TENSOR_ERROR_DTYPE, "float32");
        CHECK_STATUS(lent.try_revoke(), TENSOR_ERROR_BUSY);
        CHECK_STATUS(pin::try_make(t, 0, none_yet), TENSOR_ERROR_ARGUMENT);
        CHECK_STATUS(pin::try_make(tensor(), TENSOR_PIN_READ, none_yet), TENSOR_ERROR_NULL);
        moved = pin();
        CHECK(odd(0).item<float>() == 2);
    }
    CHECK(lent.count(TENSOR_LOAN_PINS) == 0);
    lent.revoke();
}

void looking_pins_nothing() {
    std::vector<float> numbers = {1, 2, 3, 4};
    loan lent(numbers);
    tensor t = lent.as_tensor(numbers);
    CHECK_THROWS(t.at<int>(0), TENSOR_ERROR_DTYPE, "float32");
    CHECK(t.ndim() == 1 && t.size(0) == 4 && t(2).item<float>() == 3);
    CHECK_THROWS(t.item<float>(), TENSOR_ERROR_SHAPE, "");
    CHECK_THROWS(t.at<float>(4), TENSOR_ERROR_INDEX, "index = 4 is out of range for dimension 0 of size 4");
    CHECK_THROWS(t.unsqueeze(0).as_range<float>(), TENSOR_ERROR_SHAPE, "");
    CHECK(lent.count(TENSOR_LOAN_PINS) == 0);
    float *first = t.data<float>();
    CHECK(first == numbers.data() && lent.count(TENSOR_LOAN_PINS) == 1);
    t.reset();
    std::size_t views = 7;
    CHECK_STATUS(lent.try_count(99, views), TENSOR_ERROR_ARGUMENT);
    CHECK(views == 7);
    CHECK_OK(lent.try_evacuate());
}

}  // namespace

int main() {
    the_end_under_a_raw_pointer_terminates();
    the_end_of_an_unused_loan_is_silent();
    the_end_of_a_loan_in_use_tells_and_moves_what_is_alive();
    the_alarm_may_see_to_it();
    what_is_not_on_the_loan_is_refused();
    const_memory_is_lent_for_reading();
    loans_move();
    a_loan_waits_for_other_threads();
    pins_last_for_a_scope();
    looking_pins_nothing();
    return check_result();
}
