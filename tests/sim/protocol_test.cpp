// SPDX-License-Identifier: Apache-2.0
#include "sim/protocol/protocol.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <system_error>
#include <vector>

namespace bitloom::sim {
namespace {

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  void write(const std::vector<std::uint8_t>& bytes) const {
    REQUIRE(::write(ends_[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] Link link() const { return {ends_[0], ends_[1]}; }
  [[nodiscard]] std::vector<std::uint8_t> raw() const {
    std::vector<std::uint8_t> bytes(256);
    bytes.resize(static_cast<std::size_t>(::read(ends_[0], bytes.data(), bytes.size())));
    return bytes;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST_CASE("A frame is length, type and payload, all little-endian") {
  const Pipe pipe;
  PayloadWriter payload;
  payload.u32(0x04030201U).u64(0x0C0B0A0908070605U).text("ab");
  pipe.link().send(Message::map, payload.payload());
  CHECK(pipe.raw() == std::vector<std::uint8_t>{18, 0, 0, 0, 4,  0,  0,  0, 1, 2, 3, 4,   5,
                                                6,  7, 8, 9, 10, 11, 12, 2, 0, 0, 0, 'a', 'b'});
}

TEST_CASE("Frames arrive as they were sent, and the end of the stream is no error") {
  Pipe pipe;
  const std::vector<std::uint8_t> bytes = {5, 6, 7};
  pipe.link().send(Message::data, bytes);
  pipe.link().send(Message::ok);
  pipe.close_writer();
  const auto first = pipe.link().receive();
  REQUIRE(first);
  CHECK(first->type == Message::data);
  CHECK(first->payload == bytes);
  const auto second = pipe.link().receive();
  REQUIRE(second);
  CHECK(second->type == Message::ok);
  CHECK(second->payload.empty());
  CHECK_FALSE(pipe.link().receive());
}

TEST_CASE("Structures come back as they were put") {
  PayloadWriter writer;
  const Observation observation{3, 1ULL << 40, "wave.fst", ""};
  CompletionReport report{77, 88, {}};
  report.record[63] = 9;
  put(writer, SystemSettings{1000, 100, 7, 30, 42});
  put(writer, observation);
  put(writer, report);
  PayloadReader reader(writer.payload());
  const SystemSettings settings = get_settings(reader);
  CHECK(settings.clock_mhz == 1000);
  CHECK(settings.latency_ns == 100);
  CHECK(settings.jitter_ns == 7);
  CHECK(settings.stall_percent == 30);
  CHECK(settings.seed == 42);
  const Observation seen = get_observation(reader);
  CHECK(seen.from == 3);
  CHECK(seen.to == 1ULL << 40);
  CHECK(seen.wave_file == "wave.fst");
  CHECK(seen.trace_file.empty());
  const CompletionReport got = get_completion(reader);
  CHECK(got.cycle == 77);
  CHECK(got.wall_nanoseconds == 88);
  CHECK(got.record == report.record);
  CHECK_NOTHROW(reader.finish());
}

TEST_CASE("A payload that is too short or too long is malformed") {
  const std::vector<std::uint8_t> three = {1, 2, 3};
  PayloadReader short_reader(three);
  CHECK_THROWS_AS(short_reader.u32(), ProtocolError);
  PayloadReader long_reader(three);
  CHECK_THROWS_AS(long_reader.finish(), ProtocolError);
  const std::vector<std::uint8_t> lying = {255, 255, 255, 255, 'a'};
  PayloadReader text_reader(lying);
  CHECK_THROWS_AS(text_reader.text(), ProtocolError);
}

TEST_CASE("A stream that ends within a frame is malformed") {
  Pipe pipe;
  SECTION("within the header") { pipe.write({1, 0, 0}); }
  SECTION("within the payload") { pipe.write({4, 0, 0, 0, 1, 0, 0, 0, 9, 9}); }
  pipe.close_writer();
  CHECK_THROWS_AS(pipe.link().receive(), ProtocolError);
}

TEST_CASE("A length beyond the limit is refused before anything is allocated for it") {
  Pipe pipe;
  pipe.write({255, 255, 255, 255, 1, 0, 0, 0});
  pipe.close_writer();
  CHECK_THROWS_WITH(pipe.link().receive(), Catch::Matchers::Contains("exceeds the limit"));
}

TEST_CASE("Nothing to read is noticed after the given time") {
  const Pipe pipe;
  CHECK_FALSE(pipe.link().wait_readable(1));
  pipe.write({0});
  CHECK(pipe.link().wait_readable(1));
}

}  // namespace
}  // namespace bitloom::sim
