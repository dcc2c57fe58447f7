// SPDX-License-Identifier: Apache-2.0
// The queue and the call checks of the functional devices, seen through the golden one.
#include "sw/golden/golden_device.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "sw/device/functional_device.hpp"
#include "sw/error/error.hpp"

namespace {

using namespace bitloom;

// y = scale * (x_0 + x_1), one row.
Layer pair_layer(Half scale) {
  Layer layer;
  layer.name = "pair";
  layer.m = 1;
  layer.k = 2;
  layer.group_size = 32;
  layer.plane_count = 1;
  layer.planes = {0x03};
  layer.precisions[1].alpha = {scale};
  return layer;
}

Activations ones() { return {1, 2, {Half{0x3C00}, Half{0x3C00}}}; }

// Counts what is loaded; fails in submit() or in poll().
class FailingDevice final : public Device {
 public:
  explicit FailingDevice(bool in_submit) : in_submit_(in_submit) {}
  [[nodiscard]] std::string_view name() const override { return "failing"; }
  LayerId load(const Layer& /*layer*/) override { return LayerId{++loaded_}; }
  void unload(LayerId /*layer*/) override { --loaded_; }
  Ticket submit(Call /*call*/) override {
    if (in_submit_) throw std::runtime_error("submit");
    return {};
  }
  std::optional<Completion> poll() override { throw std::runtime_error("poll"); }
  [[nodiscard]] std::uint64_t loaded() const { return loaded_; }

 private:
  bool in_submit_;
  std::uint64_t loaded_ = 0;
};

Error error_of_submit(Device& device, Call call) {
  try {
    device.submit(std::move(call));
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("the call was accepted");
}

}  // namespace

TEST_CASE("calls complete in the order of their submission, each with its own layer") {
  const auto device = make_golden_device({});
  CHECK(device->name() == "golden");
  const LayerId one = device->load(pair_layer(Half{0x3C00}));
  const LayerId two = device->load(pair_layer(Half{0x4000}));
  CHECK_FALSE(device->poll());
  const Ticket first = device->submit({two, 1, ones(), OutputFormat::binary32});
  const Ticket second = device->submit({one, 1, ones(), OutputFormat::binary16});
  device->unload(two);  // behind a queued call
  const auto a = device->poll();
  const auto b = device->poll();
  REQUIRE((a && b));
  CHECK(a->ticket == first);
  CHECK(a->y == Outputs{OutputFormat::binary32, 1, 1, {0x40800000}});
  CHECK(a->nan_tokens == std::vector<bool>{false});
  CHECK_FALSE(a->stats);
  CHECK(b->ticket == second);
  CHECK(b->y == Outputs{OutputFormat::binary16, 1, 1, {0x4000}});
  CHECK_FALSE(device->poll());
}

TEST_CASE("a call that does not fit its layer is refused before it is queued") {
  const auto device = make_golden_device({});
  const LayerId layer = device->load(pair_layer(Half{0x3C00}));
  const Activations one_column{1, 1, {Half{0x3C00}}};
  const Activations values_missing{2, 2, ones().x};
  CHECK(error_of_submit(*device, {layer, 1, one_column, {}}).code() == ErrorCode::call_shape);
  CHECK(error_of_submit(*device, {layer, 1, values_missing, {}}).code() == ErrorCode::call_shape);
  const Error error = error_of_submit(*device, {layer, 2, ones(), {}});
  CHECK(error.code() == ErrorCode::call_precision);
  CHECK(error.parts().expected == "a precision that the layer serves: 1");
  device->unload(layer);
  CHECK_THROWS_AS(device->submit({layer, 1, ones(), {}}), std::invalid_argument);
  CHECK_FALSE(device->poll());
}

TEST_CASE("a call that fails does not lose the calls behind it") {
  int calls = 0;
  const auto device = make_functional_device("faulty", [&calls](const Layer&) -> CallFunction {
    return [&calls](unsigned, const Activations&, OutputFormat, std::vector<bool>&) -> Outputs {
      if (calls++ == 0) throw std::runtime_error("broken");
      return {OutputFormat::binary32, 1, 1, {7}};
    };
  });
  const LayerId layer = device->load(pair_layer(Half{0x3C00}));
  device->submit({layer, 1, ones(), {}});
  const Ticket second = device->submit({layer, 1, ones(), {}});
  CHECK_THROWS_AS(device->poll(), std::runtime_error);
  const auto done = device->poll();
  REQUIRE(done);
  CHECK(done->ticket == second);
  CHECK(done->y.bits == std::vector<std::uint32_t>{7});
}

TEST_CASE("running one layer gives its outputs and leaves nothing loaded or queued") {
  const auto device = make_golden_device({});
  const Completion done =
      run_layer(*device, pair_layer(Half{0x3C00}), 1, ones(), OutputFormat::binary32);
  CHECK(done.y.bits == std::vector<std::uint32_t>{0x40000000});
  CHECK_FALSE(device->poll());
}

TEST_CASE("running one layer leaves nothing loaded when the device fails") {
  for (const bool in_submit : {true, false}) {
    FailingDevice device(in_submit);
    CHECK_THROWS_WITH(run_layer(device, pair_layer(Half{0x3C00}), 1, ones(), {}),
                      in_submit ? "submit" : "poll");
    CHECK(device.loaded() == 0);
  }
}
