// SPDX-License-Identifier: Apache-2.0
// Bounds, rates, comparison and the reading of event traces: pure functions, numbers by hand.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/cache/layer_cache.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/run_directory.hpp"
#include "host/metrics/accuracy.hpp"
#include "host/metrics/bounds.hpp"
#include "host/report/summary.hpp"
#include "host/runtime/calls.hpp"
#include "host/runtime/compare.hpp"
#include "host/runtime/locate.hpp"
#include "sw/config/config.hpp"
#include "sw/quant/bcq.hpp"
#include "tests/host/command.hpp"

namespace {

using namespace bitloom;

Layer shape(std::uint32_t m, std::uint32_t k, unsigned bits) {
  Layer layer;
  layer.m = m;
  layer.k = k;
  layer.group_size = 128;
  layer.precisions[bits].beta.resize(1);
  return layer;
}

TEST_CASE("The bounds of q_proj at 2 bits on edge are those worked out by hand") {
  // Compute: 256 row tiles * 32 groups * 4 slices * 2 planes. Memory: 4096 * 4096 * 2 / 8 bytes of
  // planes, 4096 * 32 * 3 scales and 4096 activations of 2 bytes, in beats of 64 bytes.
  const Bounds bound = bounds(shape(4096, 4096, 2), 2, 1, load_config("edge").hardware);
  CHECK(bound.compute_cycles == 65536);
  CHECK(bound.memory_cycles == (4194304 + 786432 + 8192) / 64);
  CHECK(bound.memory_bound());
  CHECK(bound.roofline() == 77952);
}

TEST_CASE("Ragged rows and columns count as whole tiles and groups") {
  // tiny: 4 rows x 16 columns, 8 bytes per cycle. 5 rows are 2 tiles, 130 columns 2 groups.
  const Bounds bound = bounds(shape(5, 130, 3), 3, 1, load_config("tiny").hardware);
  CHECK(bound.compute_cycles == 2 * 2 * 8 * 3);
  CHECK(bound.memory_cycles == (8 * 256 * 3 / 8 + 8 * 2 * 4 * 2 + 256 * 2) / 8);
}

TEST_CASE("Codebook mode takes 2^b passes and tokens share a pass up to the array's width") {
  Layer layer = shape(4, 128, 3);
  layer.mode = Mode::codebook;
  const HardwareConfig hardware = load_config("tiny").hardware;
  CHECK(bounds(layer, 3, 1, hardware).compute_cycles == 8 * 8);
  CHECK(bounds(layer, 3, 4, hardware).compute_cycles == 8 * 8);
  CHECK(bounds(layer, 3, 5, hardware).compute_cycles == 2 * 8 * 8);
}

TEST_CASE("The bounds of q_proj in other modes are those worked out by hand") {
  const HardwareConfig edge = load_config("edge").hardware;
  const HardwareConfig server = load_config("server").hardware;
  struct Case {
    const char* what;
    const HardwareConfig& hardware;
    Mode mode;
    std::uint32_t group_size;
    unsigned bits;
    std::uint32_t tokens;
    std::uint64_t compute;
    std::uint64_t bytes;
  };
  // edge has 256 row tiles of 16 and slices of 32 columns, server 64 tiles of 64 and slices of 128.
  // A plane has 2,097,152 bytes, a token 8192; 4096 rows take 8192 bytes of scales per vector.
  constexpr std::uint64_t kPlane = 2097152;
  constexpr std::uint64_t kVector = 8192;
  constexpr std::uint64_t kToken = 8192;
  for (const Case& expected :
       {Case{"server, 32 groups of one slice", server, Mode::bcq, 128, 2, 1, 64 * 32 * 2,
             2 * kPlane + 32 * 3 * kVector + kToken},
        Case{"server, two passes per slice", server, Mode::bcq, 64, 2, 1, 64 * 64 * 2,
             2 * kPlane + 64 * 3 * kVector + kToken},
        Case{"server, four passes per slice", server, Mode::bcq, 32, 3, 1, 64 * 128 * 3,
             3 * kPlane + 128 * 4 * kVector + kToken},
        Case{"edge, groups of 8 slices", edge, Mode::bcq, 256, 4, 4, 256 * 128 * 4,
             4 * kPlane + 16 * 5 * kVector + 4 * kToken},
        Case{"edge, five tokens are two calls", edge, Mode::bcq, 128, 2, 5, 2 * 256 * 128 * 2,
             2 * (2 * kPlane + 32 * 3 * kVector) + 5 * kToken},
        Case{"edge, a group per row: scales once, activations twice", edge, Mode::bcq, 0, 2, 1,
             256 * 128 * 2, 2 * kPlane + 3 * kVector + 2 * kToken},
        Case{"edge, codebook", edge, Mode::codebook, 128, 3, 1, 256 * 128 * 8,
             3 * kPlane + 8 * kVector + kToken},
        Case{"server, codebook with small groups", server, Mode::codebook, 32, 2, 1, 64 * 128 * 4,
             2 * kPlane + 4 * kVector + kToken},
        Case{"server, codebook of 4 bits, a group per row", server, Mode::codebook, 0, 4, 4,
             64 * 32 * 16, 4 * kPlane + 16 * kVector + 4 * 2 * kToken}}) {
    CAPTURE(expected.what);
    Layer layer = shape(4096, 4096, expected.bits);
    layer.mode = expected.mode;
    layer.group_size = expected.group_size;
    const Bounds bound = bounds(layer, expected.bits, expected.tokens, expected.hardware);
    CHECK(bound.compute_cycles == expected.compute);
    CHECK(ideal_bytes(layer, expected.bits, expected.tokens, expected.hardware).total() ==
          expected.bytes);
    const std::uint64_t line = &expected.hardware == &edge ? 64 : 1024;
    CHECK(bound.memory_cycles == (expected.bytes + line - 1) / line);
  }
}

TEST_CASE("Ragged layers move whole tiles, groups, slices and blocks") {
  const HardwareConfig server = load_config("server").hardware;
  // 70 rows are 128, 160 columns are 5 groups of 32 in 2 slices: 256 columns, but 5 passes and 5
  // groups of scales.
  Layer layer = shape(70, 160, 1);
  layer.group_size = 32;
  IdealBytes bytes = ideal_bytes(layer, 1, 1, server);
  CHECK(bytes.weights == 128 * 256 / 8);
  CHECK(bytes.scales == 128 * 5 * 2 * 2);
  CHECK(bytes.activations == 256 * 2);
  CHECK(bounds(layer, 1, 1, server).compute_cycles == 2 * 5);
  // A group per row is worked on in blocks of 256 columns; 300 columns take 3 slices of 128.
  layer.k = 300;
  layer.group_size = 0;
  bytes = ideal_bytes(layer, 1, 1, server);
  CHECK(bytes.weights == 128 * 512 / 8);
  CHECK(bytes.scales == 128 * 2 * 2);
  CHECK(bytes.activations == 2 * 512 * 2);
  CHECK(bounds(layer, 1, 1, server).compute_cycles == 2 * 3);
}

TEST_CASE("Narrow accumulators read activations twice, and no offsets are no bytes") {
  Layer layer = shape(4, 128, 2);
  CHECK(ideal_bytes(layer, 2, 3, load_config("tiny").hardware).activations == 3 * 256);
  CHECK(ideal_bytes(layer, 2, 3, load_config("tiny-acc48").hardware).activations == 2 * 3 * 256);
  layer.precisions[2].beta.clear();
  CHECK(ideal_bytes(layer, 2, 1, load_config("tiny").hardware).scales == 4 * 2 * 2);
}

TEST_CASE("Rates follow from counters and clock") {
  CycleStats stats;
  stats.cycles = 1000;
  stats.by_cause[static_cast<std::size_t>(Cause::busy)] = 800;
  stats.by_cause[static_cast<std::size_t>(Cause::weights)] = 200;
  stats.stream_bytes = {30000, 1000, 900, 100, 400, 64};
  Config config = load_config("edge");
  config.system.clock_mhz = 500;
  const Rates rate = rates(shape(100, 200, 2), 2, 1, stats, config);
  CHECK(rate.seconds == Approx(2e-6));
  CHECK(rate.tops == Approx(0.02));
  CHECK(rate.binary_tops == Approx(0.04));
  CHECK(rate.gigabytes_per_second == Approx(16.232));
  CHECK(rate.array_utilization == Approx(0.8));
  CHECK(rate.memory_utilization == Approx(0.5));
}

TEST_CASE("A comparison counts differing outputs and keeps the first") {
  const Outputs expected{OutputFormat::binary32, 2, 3, {1, 2, 3, 4, 5, 6}};
  Outputs found = expected;
  CHECK(compare_outputs(found, expected).mismatches == 0);
  CHECK(compare_outputs(found, expected).compared == 6);
  found.bits = {1, 2, 3, 4, 7, 8};
  const Comparison result = compare_outputs(found, expected);
  CHECK(result.mismatches == 2);
  REQUIRE(result.first);
  CHECK(result.first->token == 1);
  CHECK(result.first->row == 1);
  CHECK(result.first->found == 7);
  CHECK(result.first->expected == 5);
}

TEST_CASE("The first wrong partial sum of a trace is found by group and plane") {
  // Descriptor, token, row, group, plane, sum.
  std::istringstream trace(
      "10 descriptor_start 0 0\n12 read 0 4096 8\n"
      "40 partial 0 2 5 0 0 100\n40 partial 0 2 6 0 0 -7\n41 partial 0 2 5 0 1 -3\n"
      "41 partial 0 1 5 0 1 77\n48 partial 0 2 5 1 0 12\n49 partial 0 2 5 1 1 13\n"
      "90 partial 1 2 5 0 0 999\n");
  const std::vector<TracedPartial> partials = read_partials(trace, {0, 2, 5});
  REQUIRE(partials.size() == 4);
  CHECK(partials[2].cycle == 48);
  const std::vector<std::int64_t> right = {100, -3, 12, 13};
  CHECK(!first_difference(partials, right, 2));
  const std::vector<std::int64_t> other = {100, -3, 11, 0};
  const auto difference = first_difference(partials, other, 2);
  REQUIRE(difference);
  CHECK(difference->found.group == 1);
  CHECK(difference->found.plane == 0);
  CHECK(difference->found.value == 12);
  CHECK(difference->expected == 11);
}

TEST_CASE("A token of a call is traced in the descriptor that takes it, by its place there") {
  HardwareConfig hardware;
  hardware.tokens = 4;
  const Mismatch mismatch{.token = 9, .row = 5, .found = 0, .expected = 0};
  CHECK(traced_output(mismatch, hardware) == TracedOutput{2, 1, 5});
  hardware.tokens = 1;
  CHECK(traced_output(mismatch, hardware) == TracedOutput{9, 0, 5});
}

TEST_CASE("A mismatch is exit code 1, and result.json and the summary say where") {
  const host_test::Scratch scratch;
  LayerSource source;
  source.layer = shape(2, 128, 1);
  source.layer.name = "fc";
  RunOptions options;
  options.config = load_config("tiny");
  options.backend = "cpu";
  options.bits = 1;
  RunResult result;
  result.call.y = {OutputFormat::binary32, 1, 2, {0x3F800000, 0x40000000}};
  const Outputs expected{OutputFormat::binary32, 1, 2, {0x3F800000, 0x40000001}};
  result.checks.push_back({"golden", compare_outputs(result.outputs(), result.outputs())});
  finish_run(scratch.path(), source, {}, options, result);
  CHECK(exit_code(result) == kExitOk);
  result.checks.push_back({"cuda", compare_outputs(result.outputs(), expected)});
  finish_run(scratch.path(), source, {}, options, result);
  CHECK(exit_code(result) == kExitMismatch);

  const auto json = nlohmann::json::parse(host_test::read_text(scratch / "result.json"));
  CHECK(json["bit_exact"] == false);
  CHECK(json["mismatches"] == 1);
  CHECK(json["first_mismatch"]["against"] == "cuda");
  CHECK(json["first_mismatch"]["row"] == 1);
  CHECK(json["first_mismatch"]["token"] == 0);
  CHECK(json["first_mismatch"]["found_bits"] == 0x40000000);
  CHECK(json["first_mismatch"]["expected_bits"] == 0x40000001);
  CHECK(run_summary(source, options, result)
            .find("1 of 2 outputs differ from cuda; first at row 1, token 0: 0x40000000") !=
        std::string::npos);

  result.location = Localization{1, Difference{{500, 0, 0, 12}, 13}, 100, 550, "mismatch.fst"};
  CHECK(run_summary(source, options, result)
            .find("group 0, plane 0: partial sum 12, golden has 13") != std::string::npos);
  source.layer.mode = Mode::codebook;
  CHECK(
      run_summary(source, options, result).find("group 0, code 0: partial sum 12, golden has 13") !=
      std::string::npos);
  result.location = Localization{1, std::nullopt, 100, 550, "mismatch.fst"};
  CHECK(run_summary(source, options, result).find("all partial sums of the row are right") !=
        std::string::npos);
  result.location = Localization{0, std::nullopt, 100, 550, "mismatch.fst"};
  CHECK(run_summary(source, options, result).find("no partial sums to compare") !=
        std::string::npos);
}

TEST_CASE("Only a whole trace shows that all partial sums are right") {
  const std::vector<TracedPartial> traced = {{40, 0, 0, 100}, {41, 0, 1, -3}};
  CHECK_NOTHROW(check_complete(traced, std::vector<std::int64_t>{100, -3}, {}, "trace.txt"));
  CHECK_THROWS_WITH(check_complete(traced, std::vector<std::int64_t>{100, -3, 7}, {}, "trace.txt"),
                    Catch::Contains("trace.txt") && Catch::Contains("found 2 partial sums") &&
                        Catch::Contains("expected 3"));
}

// Gives each call the next of some outputs, at 100 cycles the first and 60 each other.
class ScriptedDevice final : public Device {
 public:
  explicit ScriptedDevice(std::vector<std::uint32_t> outputs) : outputs_(std::move(outputs)) {}
  [[nodiscard]] std::string_view name() const override { return "scripted"; }
  LayerId load(const Layer&) override { return {}; }
  void unload(LayerId) override {}
  Ticket submit(Call) override {
    ++queued_;
    return {};
  }
  std::optional<Completion> poll() override {
    if (queued_ == 0) return std::nullopt;
    --queued_;
    Completion done;
    done.y = {OutputFormat::binary32, 1, 1, {outputs_.at(polled_)}};
    done.stats = CycleStats{};
    done.stats->cycles = polled_ == 0 ? 100 : 60;
    done.stats->simulated_cycles = 70;
    ++polled_;
    return done;
  }

 private:
  std::vector<std::uint32_t> outputs_;
  std::size_t queued_ = 0;
  std::size_t polled_ = 0;
};

TEST_CASE("Repeated calls have a rate without their first, and their differences are counted") {
  const Outputs expected{OutputFormat::binary32, 1, 1, {7}};
  ScriptedDevice same({7, 7, 7});
  const Repetition right = repeat_call(same, {}, 3, expected);
  CHECK(right.steady_cycles == 60.0);
  CHECK(right.simulated_cycles == 210);
  CHECK(right.comparison.compared == 3);
  CHECK(right.comparison.mismatches == 0);
  ScriptedDevice other({7, 8, 9});
  const Repetition wrong = repeat_call(other, {}, 3, expected);
  CHECK(wrong.comparison.mismatches == 2);
  REQUIRE(wrong.comparison.first);
  CHECK(wrong.comparison.first->found == 8);
}

TEST_CASE("Repeated calls that differ are exit code 1 and named, and no place is looked for") {
  const host_test::Scratch scratch;
  LayerSource source;
  source.layer = shape(1, 128, 1);
  RunOptions options;
  options.config = load_config("tiny");
  options.backend = "rtl";
  options.bits = 1;
  RunResult result;
  result.call.y = {OutputFormat::binary32, 1, 1, {7}};
  const Outputs other{OutputFormat::binary32, 1, 1, {8}};
  result.checks.push_back({std::string(kIsolatedCall), compare_outputs(other, result.outputs())});
  finish_run(scratch.path(), source, {}, options, result);
  CHECK(exit_code(result) == kExitMismatch);
  CHECK(!result.location);
  const auto json = nlohmann::json::parse(host_test::read_text(scratch / "result.json"));
  CHECK(json["first_mismatch"]["against"] == "isolated call");
  CHECK(run_summary(source, options, result).find("differ from the isolated call") !=
        std::string::npos);
}

TEST_CASE("Only the faults of devices are exit code 3") {
  for (const ErrorCode code : all_error_codes()) {
    const std::string_view text = code_text(code);
    const bool fault = text == "BL-RTL-fault" || text == "BL-RTL-build" || text == "BL-GPU-fault";
    CAPTURE(text);
    CHECK(exit_code(code) == (fault ? 3 : 2));
  }
}

TEST_CASE("The output SNR is a ratio of powers in dB") {
  const std::vector<double> expected = {3, 4};
  CHECK(signal_to_noise_db(expected, std::vector<double>{3, 4.5}) == Approx(20));
  CHECK(std::isinf(signal_to_noise_db(expected, expected)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(signal_to_noise_db(expected, std::vector<double>{nan, 4.4}) == Approx(20));
  CHECK(std::isnan(signal_to_noise_db(std::vector<double>{0}, std::vector<double>{1})));
}

TEST_CASE("Numbers and progress read at a glance") {
  CHECK(grouped_digits(0) == "0");
  CHECK(grouped_digits(999) == "999");
  CHECK(grouped_digits(1000) == "1,000");
  CHECK(grouped_digits(16777216) == "16,777,216");
  CHECK(progress_line("quantizing", "rows", 512, 4096, 2.0) ==
        "quantizing: 512 of 4096 rows, 256 rows/s, 14 s left");
}

TEST_CASE("A cache entry comes back, and any damage to it makes it absent") {
  const host_test::Scratch scratch;
  const LayerCache cache(scratch.path());
  const Quantized stored = quantize_bcq("fc", matrix_of(std::vector<float>(256, 0.5F), 2, 128),
                                        {.precisions = {.bits = 1}});
  CHECK(!cache.find("key"));
  const auto damage = [&](const char* name, std::size_t offset) {
    cache.store("key", stored);
    REQUIRE(cache.find("key"));
    CHECK(cache.find("key")->layer.planes == stored.layer.planes);
    CHECK(cache.find("key")->relative_error() == stored.relative_error());
    std::string text = host_test::read_text(scratch / name);
    text.at(text.size() - offset) ^= 1;
    host_test::write_text(scratch / name, text);
    CAPTURE(name, offset);
    CHECK(!cache.find("key"));
  };
  damage("key.safetensors", 1);
  damage("key.safetensors", 40);
  damage("key.json", 5);
  cache.store("key", stored);
  std::filesystem::remove(scratch / "key.safetensors");
  CHECK(!cache.find("key"));
}

}  // namespace
