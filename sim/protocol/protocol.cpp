// SPDX-License-Identifier: Apache-2.0
#include "sim/protocol/protocol.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace bitloom::sim {
namespace {

constexpr std::size_t kHeaderBytes = 8;

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Fills `to`; returns the bytes read, fewer only at the end of the stream.
std::size_t read_fully(int fd, std::span<std::uint8_t> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t count = ::read(fd, to.data() + done, to.size() - done);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      throw_errno("reading from the simulation link");
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

// A peer that is gone is an error of the call, not a signal, where the descriptor is a socket.
ssize_t write_some(int fd, std::span<const std::uint8_t> from) {
  const ssize_t count = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
  if (count < 0 && errno == ENOTSOCK) return ::write(fd, from.data(), from.size());
  return count;
}

void write_fully(int fd, std::span<const std::uint8_t> from) {
  while (!from.empty()) {
    const ssize_t count = write_some(fd, from);
    if (count < 0) {
      if (errno == EINTR) continue;
      throw_errno("writing to the simulation link");
    }
    from = from.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace

PayloadWriter& PayloadWriter::bytes(std::span<const std::uint8_t> data) {
  payload_.insert(payload_.end(), data.begin(), data.end());
  return *this;
}

PayloadWriter& PayloadWriter::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  payload_.insert(payload_.end(), value.begin(), value.end());
  return *this;
}

std::span<const std::uint8_t> PayloadReader::bytes(std::size_t count) {
  if (count > rest_.size())
    throw ProtocolError(Refusal::malformed, "a message is shorter than its fields");
  const std::span<const std::uint8_t> taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

std::string PayloadReader::text() {
  const std::span<const std::uint8_t> raw = bytes(u32());
  return {raw.begin(), raw.end()};
}

void PayloadReader::finish() const {
  if (!rest_.empty())
    throw ProtocolError(Refusal::malformed, "a message is longer than its fields");
}

void put(PayloadWriter& writer, const SystemSettings& settings) {
  writer.u32(settings.clock_mhz)
      .u32(settings.latency_ns)
      .u32(settings.jitter_ns)
      .u32(settings.stall_percent)
      .u32(settings.seed);
}

SystemSettings get_settings(PayloadReader& reader) {
  SystemSettings settings;
  settings.clock_mhz = reader.u32();
  settings.latency_ns = reader.u32();
  settings.jitter_ns = reader.u32();
  settings.stall_percent = reader.u32();
  settings.seed = reader.u32();
  return settings;
}

void put(PayloadWriter& writer, const Observation& observation) {
  writer.u64(observation.from)
      .u64(observation.to)
      .text(observation.wave_file)
      .text(observation.trace_file);
}

Observation get_observation(PayloadReader& reader) {
  Observation observation;
  observation.from = reader.u64();
  observation.to = reader.u64();
  observation.wave_file = reader.text();
  observation.trace_file = reader.text();
  return observation;
}

void put(PayloadWriter& writer, const CompletionReport& report) {
  writer.u64(report.cycle).u64(report.wall_nanoseconds).bytes(report.record);
}

CompletionReport get_completion(PayloadReader& reader) {
  CompletionReport report;
  report.cycle = reader.u64();
  report.wall_nanoseconds = reader.u64();
  const std::span<const std::uint8_t> raw = reader.bytes(kRecordBytes);
  std::copy(raw.begin(), raw.end(), report.record.begin());
  return report;
}

void put(PayloadWriter& writer, std::span<const ErrorResponse> list) {
  writer.u32(static_cast<std::uint32_t>(list.size()));
  for (const ErrorResponse& error : list)
    writer.u32(error.channel).u32(error.id).u64(error.burst).u32(error.beat).u32(error.response);
}

// The list grows as its bytes are read: a lying count allocates nothing.
std::vector<ErrorResponse> get_error_responses(PayloadReader& reader) {
  std::vector<ErrorResponse> list;
  for (std::uint32_t left = reader.u32(); left != 0; --left) {
    ErrorResponse error;
    error.channel = reader.u32();
    error.id = reader.u32();
    error.burst = reader.u64();
    error.beat = reader.u32();
    error.response = reader.u32();
    list.push_back(error);
  }
  return list;
}

std::optional<Frame> Link::receive() const {
  std::array<std::uint8_t, kHeaderBytes> header{};
  const std::size_t got = read_fully(in_, header);
  if (got == 0) return std::nullopt;
  if (got < header.size())
    throw ProtocolError(Refusal::malformed, "the stream ended within a frame header");
  PayloadReader reader(header);
  const std::uint32_t length = reader.u32();
  Frame frame;
  frame.type = static_cast<Message>(reader.u32());
  if (length > kMaxPayload)
    throw ProtocolError(Refusal::malformed, "a frame of " + std::to_string(length) +
                                                " bytes exceeds the limit of " +
                                                std::to_string(kMaxPayload));
  frame.payload.resize(length);
  if (read_fully(in_, frame.payload) < length)
    throw ProtocolError(Refusal::malformed, "the stream ended within a frame");
  return frame;
}

void Link::send(Message type, std::span<const std::uint8_t> payload) const {
  PayloadWriter header;
  header.u32(static_cast<std::uint32_t>(payload.size())).u32(static_cast<std::uint32_t>(type));
  send_raw(header.payload());
  send_raw(payload);
}

void Link::send_raw(std::span<const std::uint8_t> bytes) const { write_fully(out_, bytes); }

bool Link::wait_readable(int milliseconds) const {
  pollfd request{in_, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&request, 1, milliseconds);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) throw_errno("waiting for the simulation link");
  return ready > 0;
}

}  // namespace bitloom::sim
