// SPDX-License-Identifier: Apache-2.0
// The observing executable: waveform window, GTKWave view and event trace of a small layer.
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sim/rtl/rtl_device.hpp"
#include "sim/rtl/wave_view.hpp"
#include "sw/config/config.hpp"
#include "sw/golden/golden.hpp"
#include "tests/support/random_layer.hpp"

namespace bitloom {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFrom = 400;
constexpr std::uint64_t kTo = 600;
constexpr std::uint64_t kPeriod = 1000;  // picoseconds, of tiny

// The first random case of tiny with these properties.
RandomCase some_case(const std::function<bool(const RandomCase&)>& wanted) {
  const CaseLimits limits = machine_limits(load_config("tiny").hardware, 24, 700);
  for (std::uint64_t seed = 1;; ++seed) {
    RandomCase c = make_random_case(seed, limits);
    if (c.layer.m > 8 && c.bits > 1 && wanted(c)) return c;
  }
}

std::vector<RandomCase> some_cases() {
  return {some_case([](const RandomCase& c) {  // tokens of two descriptors
            return c.layer.mode == Mode::bcq && c.layer.groups() > 2 && c.acts.tokens == 6;
          }),
          some_case([](const RandomCase& c) {
            return c.layer.mode == Mode::codebook && c.layer.groups() > 2 && c.acts.tokens > 1;
          }),
          some_case([](const RandomCase& c) {
            return c.layer.mode == Mode::bcq && c.layer.group_size == 0 && c.layer.k > 256;
          })};
}

// One observed run of all the cases, and what it left behind.
struct Run {
  Run() : folder(fs::temp_directory_path() / std::to_string(::getpid())), cases(some_cases()) {
    fs::create_directories(folder);
    RtlOptions options;
    options.worker.observe = true;
    options.observation = {kFrom, kTo, (folder / "wave.fst").string(),
                           (folder / "trace.txt").string()};
    const auto device = make_rtl_device(load_config("tiny"), options);
    for (const RandomCase& c : cases)
      device->submit({device->load(c.layer), c.bits, c.acts, c.format});
    while (auto completion = device->poll()) completions.push_back(std::move(*completion));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { fs::remove_all(folder); }

  fs::path folder;
  std::vector<RandomCase> cases;
  std::vector<Completion> completions;
};

const Run& observed() {
  static const Run run;
  return run;
}

// The signals ("scope.name[range]") and the times of a dump, by GTKWave's own reader.
struct Dump {
  std::set<std::string> signals;
  std::uint64_t first_time = ~std::uint64_t{0};
  std::uint64_t last_time = 0;
};

Dump read_dump(const fs::path& path) {
  const std::string command = "fst2vcd " + path.string();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  REQUIRE(pipe);
  Dump dump;
  std::vector<std::string> scope;
  std::array<char, 65536> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    std::istringstream words(line.data());
    std::string word;
    words >> word;
    if (word == "$scope") {
      words >> word >> word;
      scope.push_back(word);
    } else if (word == "$upscope") {
      scope.pop_back();
    } else if (word == "$var") {
      std::string name;
      std::string range;
      words >> word >> word >> word >> name >> range;
      std::string path_name;
      for (const std::string& part : scope) path_name += part + ".";
      dump.signals.insert(path_name + name + (range == "$end" ? "" : range));
    } else if (word.starts_with("#")) {
      const std::uint64_t time = std::stoull(word.substr(1));
      dump.first_time = std::min(dump.first_time, time);
      dump.last_time = std::max(dump.last_time, time);
    }
  }
  return dump;
}

TEST_CASE("A waveform covers its window of cycles and no more") {
  const Dump dump = read_dump(observed().folder / "wave.fst");
  CHECK(dump.first_time == kFrom * kPeriod);
  CHECK(dump.last_time == kTo * kPeriod + kPeriod / 2);
}

TEST_CASE("Every signal of the GTKWave view is in the dump, and every unit has a group") {
  const Dump dump = read_dump(observed().folder / "wave.fst");
  std::ifstream view(sim::wave_view_path(observed().folder / "wave.fst"));
  REQUIRE(view);
  std::set<std::string> units;
  int signals = 0;
  for (std::string line; std::getline(view, line);) {
    if (line.starts_with("-")) units.insert(line.substr(1));
    if (line.starts_with("^1 ")) CHECK(fs::exists(line.substr(3)));
    if (!line.starts_with("TOP.")) continue;
    ++signals;
    CAPTURE(line);
    CHECK(dump.signals.contains(line));
  }
  CHECK(signals > 40);
  CHECK(units == std::set<std::string>{"ctrl", "dma", "align", "lut", "plane", "pe", "scale",
                                       "accum", "norm"});
}

struct Event {
  std::uint64_t cycle = 0;
  std::string name;
  std::vector<std::int64_t> fields;
};

std::vector<Event> read_trace() {
  std::ifstream in(observed().folder / "trace.txt");
  REQUIRE(in);
  std::vector<Event> events;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Event event;
    words >> event.cycle >> event.name;
    for (std::int64_t field = 0; words >> field;) event.fields.push_back(field);
    events.push_back(event);
  }
  return events;
}

// What one case is in the trace: descriptors of up to 4 tokens, from `first` on.
struct Traced {
  explicit Traced(const RandomCase& c, std::uint32_t first_descriptor)
      : first(first_descriptor),
        descriptors((c.acts.tokens + 3) / 4),
        groups(c.layer.group_size == 0 ? (c.layer.k + 255) / 256 : c.layer.groups()),
        rounds(c.layer.mode == Mode::bcq ? c.bits : 1U << c.bits) {}

  std::uint32_t first;
  std::uint32_t descriptors;
  std::uint32_t groups;
  std::uint32_t rounds;
};

std::vector<Traced> traced_cases() {
  std::vector<Traced> traced;
  std::uint32_t first = 0;
  for (const RandomCase& c : observed().cases) {
    traced.emplace_back(c, first);
    first += traced.back().descriptors;
  }
  return traced;
}

TEST_CASE("The partial sums in the trace are golden's, each exactly once") {
  // By descriptor, token, row, group, round.
  std::map<std::array<std::int64_t, 5>, std::int64_t> sums;
  std::uint64_t records = 0;
  for (const Event& event : read_trace()) {
    if (event.name != "partial") continue;
    ++records;
    const auto& f = event.fields;
    REQUIRE(f.size() == 6);
    sums[{f[0], f[1], f[2], f[3], f[4]}] = f[5];
  }
  std::uint64_t expected_records = 0;
  for (std::size_t i = 0; i < observed().cases.size(); ++i) {
    const RandomCase& c = observed().cases[i];
    const Traced traced = traced_cases()[i];
    CAPTURE(describe(c));
    constexpr std::uint32_t kRows = 4;  // of tiny; the trace has all rows of a row tile
    const std::uint64_t rows = (c.layer.m + kRows - 1) / kRows * kRows;
    expected_records += c.acts.tokens * rows * traced.groups * traced.rounds;
    for (std::uint32_t token = 0; token < c.acts.tokens; ++token) {
      if (observed().completions[i].nan_tokens.at(token)) continue;
      for (std::uint32_t row = 0; row < c.layer.m; ++row) {
        const auto partials = golden_partials(c.layer, c.bits, c.acts, c.arithmetic, token, row);
        REQUIRE(partials.size() == std::size_t{traced.groups} * traced.rounds);
        for (std::uint32_t group = 0; group < traced.groups; ++group)
          for (std::uint32_t round = 0; round < traced.rounds; ++round) {
            const auto found = sums.find({traced.first + token / 4, token % 4, row, group, round});
            REQUIRE((found != sums.end()));
            CHECK(found->second == partials.at(group * traced.rounds + round));
          }
      }
    }
  }
  CHECK(records == expected_records);
  CHECK(sums.size() == expected_records);
}

TEST_CASE("The trace pairs descriptors, addresses and responses, in order of time") {
  std::map<std::string, std::uint64_t> count;
  std::uint64_t last_cycle = 0;
  std::int64_t read_beats = 0;
  for (const Event& event : read_trace()) {
    CHECK(event.cycle >= last_cycle);
    last_cycle = event.cycle;
    ++count[event.name];
    if (event.name == "read" && event.fields.at(1) == 0) read_beats += event.fields.at(3);
    if (event.name == "descriptor_end") CHECK(event.fields.at(1) == 0);
  }
  std::uint64_t descriptors = 0;
  std::uint64_t groups = 0;  // on tiny, whose array is narrower than any, a block is a group
  for (const Traced& traced : traced_cases()) {
    descriptors += traced.descriptors;
    groups += std::uint64_t{traced.descriptors} * traced.groups;
  }
  CHECK(count["descriptor_start"] == descriptors);
  CHECK(count["descriptor_end"] == descriptors);
  CHECK(count["group"] == groups);
  CHECK(count["read"] == count["read_last"]);
  CHECK(count["write"] == count["write_last"]);
  CHECK(count["write"] == count["write_response"]);
  std::uint64_t weight_bytes = 0;
  for (const Completion& completion : observed().completions)
    weight_bytes += completion.stats->stream_bytes.at(static_cast<std::size_t>(Stream::weights));
  CHECK(static_cast<std::uint64_t>(read_beats) * 8 == weight_bytes);
}

// The design with one more statement in bl_top: an error when the machine first writes.
fs::path broken_design(const fs::path& folder) {
  fs::copy(fs::path(BITLOOM_SOURCE_DIR) / "rtl", folder,
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  std::ostringstream text;
  text << std::ifstream(folder / "top/bl_top.sv").rdbuf();
  std::string top = text.str();
  top.insert(
      top.rfind("endmodule"),
      "  always_ff @(posedge clk_i) if (rst_ni && mem_awvalid_o) $error(\"asked to fail\");\n");
  std::ofstream(folder / "top/bl_top.sv") << top;
  return folder / "files.f";
}

TEST_CASE("A fault leaves its waveform and its trace, and no second run writes over them") {
  const fs::path folder = observed().folder / "fault";
  fs::create_directories(folder);
  RtlOptions options;
  options.worker.observe = true;
  options.worker.rtl_list = broken_design(folder / "rtl");
  options.observation = {0, 1'000'000, (folder / "wave.fst").string(),
                         (folder / "trace.txt").string()};
  const RandomCase& c = observed().cases.front();
  const auto device = make_rtl_device(load_config("tiny"), options);
  const LayerId layer = device->load(c.layer);
  for (int call = 0; call < 2; ++call) device->submit({layer, c.bits, c.acts, c.format});
  for (int call = 0; call < 2; ++call)
    CHECK_THROWS_WITH(device->poll(), Catch::Matchers::Contains("asked to fail"));
  CHECK_FALSE(device->poll());
  CHECK(read_dump(folder / "wave.fst").last_time > 0);
  CHECK(fs::file_size(folder / "trace.txt") > 0);
  device->submit({layer, c.bits, c.acts, c.format});
  CHECK_THROWS_WITH(device->poll(), Catch::Matchers::Contains("after the observed run"));
  CHECK(read_dump(folder / "wave.fst").last_time > 0);
}

// A run of the small case with the given files.
Completion observe(const sim::Observation& observation) {
  RtlOptions options;
  options.worker.observe = true;
  options.observation = observation;
  const RandomCase& c = observed().cases.front();
  const auto device = make_rtl_device(load_config("tiny"), options);
  return run_layer(*device, c.layer, c.bits, c.acts, c.format);
}

TEST_CASE("A window that begins after the run's end leaves no waveform file") {
  const fs::path wave = observed().folder / "late.fst";
  const std::uint64_t beyond = observe({1, 2, "", ""}).stats->simulated_cycles + 1'000'000;
  observe({beyond, beyond + 100, wave.string(), ""});
  CHECK_FALSE(fs::exists(wave));
}

TEST_CASE("A trace that cannot be written is a fault of the run") {
  CHECK_THROWS_WITH(observe({0, 0, "", "/dev/full"}),
                    Catch::Matchers::Contains("cannot write /dev/full"));
}

}  // namespace
}  // namespace bitloom
