// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>

#include "kernels/check/cases.hpp"
#include "kernels/check/straight_loop.hpp"
#include "kernels/cuda_device.hpp"
#include "sw/error/error.hpp"
#include "sw/golden/golden.hpp"

namespace bitloom {
namespace {

using kernels::Case;
using kernels::CaseData;

constexpr std::uint32_t kSmallLayer = 100000;  // weights; golden is slow

TEST_CASE("The kernel gives golden's bits on every small case of gpu-check") {
  std::size_t compared = 0;
  for (const Case& c : kernels::all_cases()) {
    if (c.m * c.k > kSmallLayer) continue;
    INFO(c.name);
    const CaseData data = kernels::make_data(c);
    const auto device = make_cuda_device(c.arithmetic);
    const Completion done = run_layer(*device, data.layer, c.bits, data.acts, c.format);
    std::vector<bool> nan_tokens;
    const Outputs expected =
        golden_outputs(data.layer, c.bits, data.acts, c.arithmetic, c.format, &nan_tokens);
    REQUIRE(done.y == expected);
    REQUIRE(done.nan_tokens == nan_tokens);
    ++compared;
  }
  CHECK(compared >= 300);
}

TEST_CASE("The loop that gpu-check compares with gives golden's bits") {
  for (const Case& c : kernels::all_cases()) {
    if (c.m * c.k > kSmallLayer) continue;
    INFO(c.name);
    const CaseData data = kernels::make_data(c);
    REQUIRE(kernels::straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format) ==
            golden_outputs(data.layer, c.bits, data.acts, c.arithmetic, c.format));
  }
}

TEST_CASE("A layer that serves several precisions runs at each of them") {
  Case c;
  c.m = 9;
  c.k = 100;
  c.group_size = 32;
  c.bits = 4;
  c.offsets = true;
  CaseData data = kernels::make_data(c);
  c.bits = 2;
  data.layer.precisions[2] = kernels::make_data(c).layer.precisions.at(2);
  const auto device = make_cuda_device({});
  const LayerId layer = device->load(data.layer);
  for (const unsigned bits : {4U, 2U, 4U}) {
    device->submit({layer, bits, data.acts, OutputFormat::binary32});
    CHECK(device->poll()->y ==
          golden_outputs(data.layer, bits, data.acts, {}, OutputFormat::binary32));
  }
}

TEST_CASE("An arithmetic outside the contract is refused by the kernels' device") {
  CHECK_THROWS_AS(make_cuda_device({7, {}}), std::invalid_argument);
  CHECK_THROWS_AS(make_cuda_device({16, {129}}), std::invalid_argument);
}

class FaultyLayer final : public kernels::LoadedLayer {
 public:
  [[nodiscard]] std::unique_ptr<kernels::PreparedCall> prepare(
      unsigned /*bits*/, const Activations& /*acts*/, OutputFormat /*format*/) const override {
    throw kernels::Fault("kernel: an illegal memory access was encountered");
  }
};

class FaultyEngine final : public kernels::Engine {
 public:
  [[nodiscard]] kernels::EngineInfo info() const override { return {}; }
  [[nodiscard]] std::unique_ptr<kernels::LoadedLayer> load(
      const Layer& layer, Arithmetic /*arithmetic*/) const override {
    if (layer.m == 0) throw kernels::Fault("cudaMalloc: out of memory");
    return std::make_unique<FaultyLayer>();
  }
};

TEST_CASE("An error of the GPU is a fault of the device that names the layer") {
  const auto device = make_cuda_device({}, std::make_shared<FaultyEngine>());
  Layer layer;
  layer.name = "unlucky";
  CHECK_THROWS_AS(device->load(layer), Error);
  layer.m = 1;
  layer.k = 1;
  layer.precisions[1];
  const LayerId id = device->load(layer);
  device->submit({id, 1, {1, 1, {Half{}}}, OutputFormat::binary32});
  try {
    device->poll();
    FAIL("the fault was lost");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::gpu_fault);
    CHECK_THAT(error.what(), Catch::Contains("unlucky") && Catch::Contains("illegal memory"));
  }
}

}  // namespace
}  // namespace bitloom
