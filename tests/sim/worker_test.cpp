// SPDX-License-Identifier: Apache-2.0
// The worker and its testbench around a fake machine (fake/bl_top.sv), whose behaviour is known to
// the cycle, and the device in front of them when workers fail.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gen/descriptor.hpp"
#include "sim/rtl/rtl_device.hpp"
#include "sim/rtl/worker_build.hpp"
#include "sim/rtl/worker_process.hpp"
#include "sw/config/config.hpp"
#include "sw/error/error.hpp"
#include "tests/sim/fake_bench.hpp"

namespace bitloom::sim {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

constexpr std::uint32_t kHang = 1001;
constexpr std::uint32_t kCross = 1002;
constexpr std::uint32_t kAssert = 1003;
constexpr std::uint32_t kEndless = 1004;

fs::path temporary(std::string name) {
  return fs::temp_directory_path() / name.append(std::to_string(::getpid()));
}

std::string fault_of(std::uint32_t k) {
  FakeBench bench(kPlain);
  try {
    bench.run({copy_of(8, k)});
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::rtl_fault);
    return error.what();
  }
  return "no fault";
}

TEST_CASE("Descriptors run in order through ring, memory and interrupt, more than the ring holds") {
  FakeBench bench(kPlain);
  const auto records = bench.run(std::vector<Record>(600, copy_of(64)));
  REQUIRE(records.size() == 600);
  for (std::uint32_t i = 0; i < 600; ++i) {
    CHECK(records[i].index == i);
    CHECK(records[i].status == 0);
  }
  CHECK(bench.worker.read(kOutput, 256) == bench.data);
  CHECK(bench.run({copy_of(1)}).at(0).index == 600);
}

TEST_CASE("A memory access takes its latency to the cycle, whatever the clock") {
  struct Case {
    std::uint32_t clock_mhz, latency_ns, cycles;
  };
  // 3 GHz has a period of 333 ps: 100 ns end within the 301st cycle.
  for (const Case& c : {Case{1000, 100, 100}, Case{1000, 1, 1}, Case{1000, 7, 7},
                        Case{2000, 100, 200}, Case{3000, 100, 301}, Case{100, 15, 2}}) {
    CAPTURE(c.clock_mhz, c.latency_ns);
    SystemSettings settings = kPlain;
    settings.clock_mhz = c.clock_mhz;
    settings.latency_ns = c.latency_ns;
    FakeBench bench(settings);
    const auto records = bench.run({copy_of(2)});
    CHECK(records.at(0).cycles_busy == c.cycles);
    CHECK(records.at(0).cycles_output == c.cycles);
  }
}

TEST_CASE("Random latency and backpressure on every channel change times and no data") {
  std::set<std::uint32_t> latencies;
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    FakeBench bench(
        {.clock_mhz = 1000, .latency_ns = 20, .jitter_ns = 40, .stall_percent = 60, .seed = seed});
    for (const CompletionRecord& record : bench.run(std::vector<Record>(40, copy_of(64)))) {
      CHECK(record.status == 0);
      latencies.insert(record.cycles_busy);
    }
    CHECK(bench.worker.read(kOutput, 256) == bench.data);
  }
  CHECK(latencies.size() > 20);
  CHECK(*latencies.begin() >= 20);
}

TEST_CASE("The same run takes the same cycles") {
  const auto cycles = [] {
    FakeBench bench(
        {.clock_mhz = 1000, .latency_ns = 20, .jitter_ns = 9, .stall_percent = 30, .seed = 8});
    return bench.worker.run(
        std::vector<Record>(20, copy_of(64)), [](const CompletionReport&) {}, nullptr);
  };
  CHECK(cycles() == cycles());
}

TEST_CASE("An access outside the mapped regions is answered with DECERR") {
  FakeBench bench(kPlain, 64);
  CHECK(bench.run({copy_of(16)}).at(0).status == 0);
  CHECK(bench.run({copy_of(18)}).at(0).status == static_cast<std::uint32_t>(StatusCode::bus_error));
}

TEST_CASE("A machine that hangs ends in a fault that says for how long") {
  CHECK_THAT(fault_of(kHang), Contains("no completion and no memory burst for"));
}

TEST_CASE("A machine that reads for ever ends in a fault: its descriptor has a bounded work") {
  CHECK_THAT(fault_of(kEndless), Contains("is at work on one descriptor for"));
}

TEST_CASE("A burst across 4 KiB ends in a fault, not in the testbench's buffers") {
  CHECK_THAT(fault_of(kCross), Contains("4 KiB"));
}

TEST_CASE("A failed assertion ends in a fault that names file and line, and the message") {
  const std::string text = fault_of(kAssert);
  CHECK_THAT(text, Contains("bl_top.sv:"));
  CHECK_THAT(text, Contains("asked to fail"));
}

// ---- Malformed messages
// ----------------------------------------------------------------------------

class RawWorker {
 public:
  RawWorker() : RawWorker(make_pair()) {}

  [[nodiscard]] const Link& link() const { return link_; }

  [[nodiscard]] Refusal refusal_of(Message type, const PayloadWriter& payload) const {
    link_.send(type, payload.payload());
    return received_refusal();
  }

  [[nodiscard]] bool accepts(Message type, const PayloadWriter& payload) const {
    link_.send(type, payload.payload());
    const auto frame = link_.receive();
    return frame && frame->type == Message::ok;
  }

  [[nodiscard]] Refusal received_refusal() const {
    const auto frame = link_.receive();
    REQUIRE(frame);
    REQUIRE(frame->type == Message::error);
    PayloadReader reader(frame->payload);
    return static_cast<Refusal>(reader.u32());
  }

  [[nodiscard]] bool alive() const {
    PayloadWriter hello;
    hello.u32(kProtocolRevision);
    link_.send(Message::hello, hello.payload());
    const auto frame = link_.receive();
    return frame && frame->type == Message::hello_reply;
  }

  std::string end_of_input() {
    ::shutdown(ours_.get(), SHUT_WR);
    return process_.wait(5s);
  }

 private:
  explicit RawWorker(std::array<int, 2> pair)
      : ours_(pair[0]),
        theirs_(pair[1]),
        quiet_(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
        process_({fake_worker().path.string()}, theirs_.get(), theirs_.get(), quiet_.get()),
        link_(ours_.get(), ours_.get()) {
    theirs_.reset();
  }

  static std::array<int, 2> make_pair() {
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
    return pair;
  }

  FileDescriptor ours_;
  FileDescriptor theirs_;
  FileDescriptor quiet_;
  Subprocess process_;
  Link link_;
};

PayloadWriter settings_payload(const SystemSettings& settings) {
  PayloadWriter payload;
  put(payload, settings);
  return payload;
}

TEST_CASE("A malformed or untimely message is refused with a code, and the worker goes on") {
  const RawWorker worker;
  PayloadWriter empty;
  PayloadWriter one;
  one.u32(1);
  PayloadWriter record_short;
  record_short.u32(2).bytes(Record{});
  PayloadWriter beyond;
  beyond.u64(0x7000).u32(16);
  PayloadWriter huge;
  huge.u64(0).u64(~std::uint64_t{0});
  PayloadWriter big_read;
  big_read.u64(0).u32(kMaxTransfer + 1);
  PayloadWriter good_run;
  good_run.u32(1).bytes(Record{});
  SystemSettings stopped = kPlain;
  stopped.clock_mhz = 0;

  CHECK(worker.refusal_of(static_cast<Message>(99), empty) == Refusal::unknown_message);
  CHECK(worker.refusal_of(Message::ok, empty) == Refusal::unknown_message);
  CHECK(worker.refusal_of(Message::configure, one) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::configure, settings_payload(stopped)) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::unmap, one) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::run, record_short) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::run, good_run) == Refusal::wrong_state);
  CHECK(worker.refusal_of(Message::map, huge) == Refusal::bad_address);
  CHECK(worker.refusal_of(Message::read_memory, beyond) == Refusal::bad_address);
  CHECK(worker.refusal_of(Message::read_memory, big_read) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::write_memory, beyond) == Refusal::bad_address);
  CHECK(worker.alive());

  CHECK(worker.accepts(Message::configure, settings_payload(kPlain)));
  CHECK(worker.refusal_of(Message::configure, settings_payload(kPlain)) == Refusal::wrong_state);
  CHECK(worker.alive());
}

PayloadWriter errors_payload(const std::vector<ErrorResponse>& errors) {
  PayloadWriter payload;
  put(payload, errors);
  return payload;
}

TEST_CASE("Settings beyond their ranges are refused, those at their ends are not") {
  const RawWorker worker;
  const auto refused = [&](auto change) {
    SystemSettings settings = kPlain;
    change(settings);
    CHECK(worker.refusal_of(Message::configure, settings_payload(settings)) == Refusal::malformed);
  };
  refused([](SystemSettings& s) { s.clock_mhz = 10'001; });
  refused([](SystemSettings& s) { s.latency_ns = 0; });
  refused([](SystemSettings& s) { s.latency_ns = 100'001; });
  refused([](SystemSettings& s) { s.jitter_ns = 100'001; });
  refused([](SystemSettings& s) { s.stall_percent = 91; });
  const SystemSettings largest{.clock_mhz = 10'000,
                               .latency_ns = 100'000,
                               .jitter_ns = 100'000,
                               .stall_percent = 90,
                               .seed = 0xFFFF'FFFF};
  CHECK(worker.accepts(Message::configure, settings_payload(largest)));
}

TEST_CASE("An observation asked of the fast executable, and the driver's rings, are refused") {
  const RawWorker worker;
  PayloadWriter observation;
  put(observation, Observation{0, 1, "wave.fst", ""});
  CHECK(worker.refusal_of(Message::observe, observation) == Refusal::wrong_state);
  PayloadWriter rings;
  rings.u64(std::uint64_t{1} << 47);
  CHECK(worker.refusal_of(Message::unmap, rings) == Refusal::bad_address);
  CHECK(worker.accepts(Message::configure, settings_payload(kPlain)));
  CHECK(worker.refusal_of(Message::unmap, rings) == Refusal::bad_address);
  PayloadWriter over_rings;
  over_rings.u64((std::uint64_t{1} << 47) - 4096).u64(4097);
  CHECK(worker.refusal_of(Message::map, over_rings) == Refusal::bad_address);
}

TEST_CASE("An error response that no burst can have, and an untimely fault, are refused") {
  const RawWorker worker;
  const ErrorResponse good{.channel = 0, .id = 15, .burst = 0, .beat = 0, .response = 2};
  PayloadWriter cycle;
  cycle.u64(100);
  CHECK(worker.refusal_of(Message::inject, errors_payload({good})) == Refusal::wrong_state);
  CHECK(worker.refusal_of(Message::reset_at, cycle) == Refusal::wrong_state);
  CHECK(worker.accepts(Message::configure, settings_payload(kPlain)));

  const auto refused = [&](auto change) {
    ErrorResponse error = good;
    change(error);
    const PayloadWriter payload = errors_payload({good, error});
    CHECK(worker.refusal_of(Message::inject, payload) == Refusal::malformed);
  };
  refused([](ErrorResponse& e) { e.channel = 1; });  // `tiny` has one
  refused([](ErrorResponse& e) { e.channel = ErrorResponse::kWriteChannel - 1; });
  refused([](ErrorResponse& e) { e.id = 16; });
  refused([](ErrorResponse& e) { e.response = 1; });
  refused([](ErrorResponse& e) { e.response = 4; });

  PayloadWriter lying;
  lying.u32(0xFFFF'FFFF);
  CHECK(worker.refusal_of(Message::inject, lying) == Refusal::malformed);
  PayloadWriter short_list;
  short_list.u32(1).u32(0).u32(0).u64(0).u32(0);
  CHECK(worker.refusal_of(Message::inject, short_list) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::inject, errors_payload({good}).u32(0)) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::reset_at, PayloadWriter().u32(1)) == Refusal::malformed);
  CHECK(worker.refusal_of(Message::reset_at, cycle.u32(1)) == Refusal::malformed);

  CHECK(worker.accepts(Message::inject, errors_payload({good})));
  CHECK(worker.accepts(Message::inject, errors_payload({})));
  CHECK(worker.accepts(Message::reset_at, PayloadWriter().u64(100)));
  CHECK(worker.alive());
}

TEST_CASE("A frame that is broken itself is refused and ends the session") {
  RawWorker worker;
  PayloadWriter lying;
  lying.u32(0xFFFFFFFFU);
  // A frame header whose length lies, sent as the bytes that they are.
  const auto raw = lying.payload();
  std::vector<std::uint8_t> bytes(raw.begin(), raw.end());
  bytes.insert(bytes.end(), {8, 0, 0, 0});
  worker.link().send_raw(bytes);
  CHECK(worker.received_refusal() == Refusal::malformed);
  CHECK(worker.end_of_input() == "exit status 1");
}

TEST_CASE("The end of the input is a clean exit") {
  RawWorker worker;
  CHECK(worker.alive());
  CHECK(worker.end_of_input() == "exit status 0");
}

// ---- Workers that are none
// ---------------------------------------------------------------------------

fs::path script(const std::string& name, const std::string& body) {
  fs::path path = temporary(name);
  std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
  ::chmod(path.c_str(), 0755);
  return path;
}

std::string start_failure(const fs::path& executable) {
  try {
    const WorkerProcess worker(executable, "hash", 300ms);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::rtl_fault);
    return error.what();
  }
  return "started";
}

TEST_CASE("A worker that dies, stays silent, babbles or is another build is a fault") {
  const fs::path dying = script("dying", "echo last words >&2; exit 3");
  const fs::path silent = script("silent", "exec sleep 60");
  const std::string death = start_failure(dying);
  CHECK_THAT(death, Contains("exit status 3"));
  CHECK_THAT(death, Contains("last words"));
  CHECK_THAT(start_failure(silent), Contains("no answer for 300 ms"));
  CHECK_THAT(start_failure("/usr/bin/yes"), Contains("exceeds the limit"));
  CHECK_THAT(start_failure(fake_worker().path), Contains(fake_worker().hash));
  fs::remove(dying);
  fs::remove(silent);
}

TEST_CASE("A worker whose messages are too short for their fields is a fault") {
  // The types 101, 106, 107 and 102 with payloads of 4, 0, 0 and 0 bytes.
  const auto& [frame, reason] =
      GENERATE(std::pair{"\\004\\000\\000\\000\\145\\000\\000\\000\\001\\000\\000\\000", "shorter"},
               std::pair{"\\000\\000\\000\\000\\152\\000\\000\\000", "shorter"},
               std::pair{"\\000\\000\\000\\000\\153\\000\\000\\000", "shorter"},
               std::pair{"\\000\\000\\000\\000\\146\\000\\000\\000", "message 102"});
  const fs::path babbling =
      script("babbling", std::string("printf '") + frame + "'; exec cat >/dev/null");
  CHECK_THAT(start_failure(babbling), Contains(reason));
  fs::remove(babbling);
}

TEST_CASE("A worker that cannot be started is a fault that names it") {
  CHECK_THAT(start_failure("/nonexistent/worker"), Contains("/nonexistent/worker"));
}

// ---- Builds
// ----------------------------------------------------------------------------------------

TEST_CASE("A build that fails is an error with the log's place and its last lines") {
  const fs::path folder = temporary("worker");
  fs::create_directories(folder);
  std::ofstream(folder / "files.f") << "broken.sv\n";
  std::ofstream(folder / "broken.sv") << "module bl_top; nonsense endmodule\n";
  try {
    WorkerOptions options;
    options.directory = folder;
    options.rtl_list = folder / "files.f";
    ensure_worker(load_config("tiny").hardware, options);
    FAIL("a broken design was built");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::rtl_build);
    CHECK_THAT(error.parts().place, Contains(folder.string()));
    CHECK_THAT(error.what(), Contains("broken.sv:1"));
    CHECK(fs::exists(error.parts().place));
  }
  fs::remove_all(folder);
}

TEST_CASE("The cache key follows the hardware and the design; a cached worker is not built again") {
  bool built = false;
  fake_worker();
  WorkerOptions options = fake_options();
  options.notice = [&](std::string_view) { built = true; };
  const WorkerExecutable again = ensure_worker(load_config("tiny").hardware, options);
  CHECK_FALSE(built);
  CHECK(again.path == fake_worker().path);
  CHECK(fs::exists(again.path));
}

TEST_CASE("Processes that ask for one worker at once build it once") {
  const fs::path folder = temporary("shared");
  std::array<int, 2> builds{};
  std::array<std::thread, 2> askers;
  for (std::size_t i = 0; i < askers.size(); ++i)
    askers.at(i) = std::thread([&, i] {
      WorkerOptions options = fake_options();
      options.directory = folder;
      options.notice = [&, i](std::string_view) { ++builds.at(i); };
      ensure_worker(load_config("tiny").hardware, options);
    });
  for (std::thread& asker : askers) asker.join();
  CHECK(builds[0] + builds[1] == 1);
  fs::remove_all(folder);
}

// ---- The device
// --------------------------------------------------------------------------------------

// A layer that the device accepts; the fake copies activations to results.
Layer layer_of(std::uint32_t k, std::uint32_t m = 8) {
  Layer layer;
  layer.name = std::to_string(k) + " columns";
  layer.m = m;
  layer.k = k;
  layer.group_size = 128;
  layer.plane_count = 1;
  layer.planes.assign(layer.row_bytes() * m, 0);
  layer.precisions[1].alpha.assign(std::size_t{m} * layer.groups(), Half{0x3C00});
  return layer;
}

Activations acts_of(std::uint32_t k, std::uint32_t tokens, std::uint16_t first) {
  Activations acts{tokens, k, {}};
  for (std::uint32_t i = 0; i < tokens * k; ++i)
    acts.x.push_back({static_cast<std::uint16_t>(first + i)});
  return acts;
}

std::unique_ptr<Device> fake_device(const std::string& config = "tiny") {
  RtlOptions options;
  options.worker = fake_options();
  return make_rtl_device(load_config(config), options);
}

// What comes back from the fake on `tiny`: of each descriptor, which has up to 4 tokens, the first
// m words of the activation image, where each token has whole groups of 128, as the first m words
// of the result image, [row tile][token][4 rows].
std::vector<std::uint32_t> copied(const Activations& acts, std::uint32_t m) {
  const std::uint32_t token_words = (acts.k + 127) / 128 * 64;
  const auto value = [&](std::uint32_t token, std::uint32_t column) -> std::uint32_t {
    return column < acts.k ? acts.x[std::size_t{token} * acts.k + column].bits : 0U;
  };
  std::vector<std::uint32_t> words;
  for (std::uint32_t token = 0; token < acts.tokens; ++token)
    for (std::uint32_t row = 0; row < m; ++row) {
      const std::uint32_t first = token / 4 * 4;
      const std::uint32_t tokens = std::min(4U, acts.tokens - first);
      const std::uint32_t index = (row / 4 * tokens + token - first) * 4 + row % 4;
      const std::uint32_t from = first + index / token_words;
      const std::uint32_t column = 2 * (index % token_words);
      words.push_back(index < m ? value(from, column) | value(from, column + 1) << 16 : 0U);
    }
  return words;
}

TEST_CASE(
    "A call that kills the machine fails alone; calls around it keep their results and order") {
  const auto device = fake_device();
  const LayerId good = device->load(layer_of(300));
  const LayerId bad = device->load(layer_of(kAssert));
  const Activations before = acts_of(300, 7, 1);
  const Activations after = acts_of(300, 1, 7000);
  const Ticket first = device->submit({good, 1, before, OutputFormat::binary32});
  device->submit({bad, 1, acts_of(kAssert, 1, 3), OutputFormat::binary32});
  const Ticket last = device->submit({good, 1, after, OutputFormat::binary32});

  auto completion = device->poll();
  REQUIRE(completion);
  CHECK(completion->ticket == first);
  CHECK(completion->y.bits == copied(before, 8));
  CHECK_THROWS_WITH(device->poll(), Contains("assertion"));
  completion = device->poll();
  REQUIRE(completion);
  CHECK(completion->ticket == last);
  CHECK(completion->y.bits == copied(after, 8));
  CHECK_FALSE(device->poll());
}

TEST_CASE("A call that does not fit into the memory fails alone, not those around it") {
  const auto device = fake_device("edge");
  const LayerId good = device->load(layer_of(128));
  const LayerId tall = device->load(layer_of(128, 262'144));
  const Activations acts = acts_of(128, 1, 5);
  device->submit({good, 1, acts, OutputFormat::binary32});
  // A result of 1 MiB per token: 16 GiB are not enough.
  device->submit({tall, 1, acts_of(128, 16'500, 3), OutputFormat::binary32});
  device->submit({good, 1, acts, OutputFormat::binary32});
  CHECK(device->poll()->y.bits == copied(acts, 8));
  CHECK_THROWS_WITH(device->poll(), Contains("exceed the capacity"));
  CHECK(device->poll()->y.bits == copied(acts, 8));
  CHECK_FALSE(device->poll());
}

TEST_CASE("A layer may be unloaded behind a queued call, and memory is given back") {
  const auto device = fake_device();
  for (std::uint16_t i = 0; i < 50; ++i) {
    const LayerId layer = device->load(layer_of(256));
    const Activations acts = acts_of(256, 1, i);
    device->submit({layer, 1, acts, OutputFormat::binary32});
    device->unload(layer);
    const auto completion = device->poll();
    REQUIRE(completion);
    CHECK(completion->y.bits == copied(acts, 8));
  }
}

TEST_CASE("What is beyond the configuration is refused when it is loaded or called") {
  const auto device = fake_device();
  CHECK_THROWS_WITH(device->load(layer_of(4097)), Contains("max_k"));
  Layer codebook = layer_of(256);
  codebook.mode = Mode::codebook;
  codebook.plane_count = 5;
  codebook.planes.resize(codebook.row_bytes() * codebook.m * 5);
  codebook.precisions.clear();
  codebook.precisions[5].codebook.resize(std::size_t{codebook.m} << 5);
  const LayerId wide = device->load(codebook);
  CHECK_THROWS_WITH(device->submit({wide, 5, acts_of(256, 1, 0), OutputFormat::binary32}),
                    Contains("max_codebook_bits"));
  const LayerId good = device->load(layer_of(256));
  CHECK_THROWS_WITH(device->submit({good, 2, acts_of(256, 1, 0), OutputFormat::binary32}),
                    Contains("2 bits"));
}

}  // namespace
}  // namespace bitloom::sim
