// SPDX-License-Identifier: Apache-2.0
#include "sim/protocol/protocol.hpp"

#include <fcntl.h>
#include <sys/socket.h>
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

TEST_CASE("Error responses come back as they were put, in their order") {
  const std::vector<ErrorResponse> errors = {
      {.channel = 3, .id = 2, .burst = 1ULL << 40, .beat = 7, .response = 2},
      {.channel = ErrorResponse::kWriteChannel,
       .id = 1,
       .burst = 0,
       .beat = ErrorResponse::kLastBeat,
       .response = 3}};
  PayloadWriter writer;
  put(writer, errors);
  PayloadReader reader(writer.payload());
  const std::vector<ErrorResponse> got = get_error_responses(reader);
  CHECK_NOTHROW(reader.finish());
  REQUIRE(got.size() == errors.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].channel == errors[i].channel);
    CHECK(got[i].id == errors[i].id);
    CHECK(got[i].burst == errors[i].burst);
    CHECK(got[i].beat == errors[i].beat);
    CHECK(got[i].response == errors[i].response);
  }
}

TEST_CASE("A list that announces more than it holds is malformed, however many that are") {
  PayloadWriter writer;
  put(writer, std::vector<ErrorResponse>(2));
  std::vector<std::uint8_t> bytes(writer.payload().begin(), writer.payload().end());
  const auto announced = GENERATE(std::uint8_t{3}, std::uint8_t{255});
  bytes[0] = announced;
  bytes[3] = announced == 255 ? 255 : 0;  // 4 G of them
  PayloadReader reader(bytes);
  CHECK_THROWS_AS(get_error_responses(reader), ProtocolError);
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

TEST_CASE("A message to nobody is an error of the system, not a signal") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  ::close(pair[1]);
  const Link link(pair[0], pair[0]);
  CHECK_THROWS_AS(link.send(Message::ok), std::system_error);
  CHECK_FALSE(link.receive());
  ::close(pair[0]);
}

TEST_CASE("A descriptor that is none is an error of the system") {
  const Link link(-1, -1);
  CHECK_THROWS_AS(link.receive(), std::system_error);
  CHECK_THROWS_AS(link.send(Message::ok), std::system_error);
}

TEST_CASE("The longest payload is accepted, one byte more is not") {
  const auto beyond = GENERATE(false, true);
  Pipe pipe;
  PayloadWriter header;
  header.u32(kMaxPayload + (beyond ? 1 : 0)).u32(static_cast<std::uint32_t>(Message::data));
  pipe.write({header.payload().begin(), header.payload().end()});
  pipe.close_writer();
  // The payload itself is missing either way.
  CHECK_THROWS_WITH(pipe.link().receive(),
                    Catch::Matchers::Contains(beyond ? "exceeds the limit" : "within a frame"));
}

TEST_CASE("The end of the stream can be read") {
  Pipe pipe;
  pipe.close_writer();
  CHECK(pipe.link().wait_readable(1000));
  CHECK_FALSE(pipe.link().receive());
}

}  // namespace
}  // namespace bitloom::sim
