// SPDX-License-Identifier: Apache-2.0
// The pipe protocol between a device and its simulation worker (docs/simulation.md). A frame is a
// 32-bit payload length, a 32-bit message type and the payload; all integers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bitloom::sim {

inline constexpr std::uint32_t kProtocolRevision = 2;

/// Longest payload that either side accepts: it bounds what a lying length can make it allocate.
inline constexpr std::uint32_t kMaxPayload = (64U << 20) + 64U;
/// Most bytes that one write_memory or read_memory message carries.
inline constexpr std::uint32_t kMaxTransfer = 64U << 20;
inline constexpr std::size_t kRecordBytes = 64;  ///< a descriptor, and a completion record
using Record = std::array<std::uint8_t, kRecordBytes>;

enum class Message : std::uint32_t {
  // requests
  hello = 1,
  configure = 2,
  observe = 3,
  map = 4,
  unmap = 5,
  write_memory = 6,
  read_memory = 7,
  run = 8,
  inject = 9,
  reset_at = 10,
  // replies
  ok = 100,
  hello_reply = 101,
  data = 102,
  progress = 103,
  completion = 104,
  done = 105,
  fault = 106,
  error = 107,
  cut_off = 108
};

/// Why a request was refused; the worker goes on.
enum class Refusal : std::uint32_t {
  unknown_message = 1,
  malformed = 2,    ///< the payload has the wrong length or holds an impossible value
  wrong_state = 3,  ///< not configured yet, configured twice, or built without observation
  bad_address = 4   ///< a region cannot be mapped, or bytes are not in one
};

/// A message that breaks the protocol.
class ProtocolError : public std::runtime_error {
 public:
  ProtocolError(Refusal refusal, const std::string& what)
      : std::runtime_error(what), refusal_(refusal) {}
  [[nodiscard]] Refusal refusal() const { return refusal_; }

 private:
  Refusal refusal_;
};

struct Frame {
  Message type{};
  std::vector<std::uint8_t> payload;
};

/// Builds a payload.
class PayloadWriter {
 public:
  PayloadWriter& u32(std::uint32_t value) { return integer(value); }
  PayloadWriter& u64(std::uint64_t value) { return integer(value); }
  PayloadWriter& bytes(std::span<const std::uint8_t> data);
  PayloadWriter& text(std::string_view value);  ///< u32 length, then the characters
  [[nodiscard]] std::span<const std::uint8_t> payload() const { return payload_; }

 private:
  template <typename T>
  PayloadWriter& integer(T value) {
    for (unsigned i = 0; i < sizeof(T); ++i)
      payload_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::uint8_t> payload_;
};

/// Takes a payload apart; every access beyond its end throws ProtocolError(malformed).
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const std::uint8_t> payload) : rest_(payload) {}
  std::uint32_t u32() { return integer<std::uint32_t>(); }
  std::uint64_t u64() { return integer<std::uint64_t>(); }
  std::span<const std::uint8_t> bytes(std::size_t count);
  std::span<const std::uint8_t> rest() { return bytes(rest_.size()); }
  std::string text();
  /// Throws ProtocolError(malformed) unless everything has been read.
  void finish() const;

 private:
  template <typename T>
  T integer() {
    const std::span<const std::uint8_t> raw = bytes(sizeof(T));
    T value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{raw[i]} << (8 * i));
    return value;
  }
  std::span<const std::uint8_t> rest_;
};

/// The run-time part of a configuration, as `configure` carries it.
struct SystemSettings {
  std::uint32_t clock_mhz = 0;
  std::uint32_t latency_ns = 0;
  std::uint32_t jitter_ns = 0;
  std::uint32_t stall_percent = 0;
  std::uint32_t seed = 0;
};

/// What `observe` asks for: a waveform of cycles [from, to] and an event trace; "" = none.
struct Observation {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string wave_file;
  std::string trace_file;
};

/// What `inject` carries any number of: an error response for tests.
struct ErrorResponse {
  static constexpr std::uint32_t kWriteChannel = 0xFFFF'FFFFU;
  static constexpr std::uint32_t kLastBeat = 0xFFFF'FFFFU;

  std::uint32_t channel = 0;   ///< a read channel, or kWriteChannel
  std::uint32_t id = 0;        ///< AXI id
  std::uint64_t burst = 0;     ///< of this channel and id, counted from now: 0 is the next one
  std::uint32_t beat = 0;      ///< of a read burst; one beyond its end stands for the last one
  std::uint32_t response = 0;  ///< 2 SLVERR, 3 DECERR
};

/// What `completion` carries.
struct CompletionReport {
  std::uint64_t cycle = 0;             ///< at which the driver read the record
  std::uint64_t wall_nanoseconds = 0;  ///< since the run began
  Record record{};
};

void put(PayloadWriter& writer, const SystemSettings& settings);
void put(PayloadWriter& writer, const Observation& observation);
void put(PayloadWriter& writer, const CompletionReport& report);
void put(PayloadWriter& writer, std::span<const ErrorResponse> list);
SystemSettings get_settings(PayloadReader& reader);
Observation get_observation(PayloadReader& reader);
CompletionReport get_completion(PayloadReader& reader);
std::vector<ErrorResponse> get_error_responses(PayloadReader& reader);

/// One end of the byte stream, over two file descriptors that it does not own.
class Link {
 public:
  Link(int in, int out) : in_(in), out_(out) {}

  /// The next frame; empty at the end of the stream between frames. Throws ProtocolError(malformed)
  /// when the stream ends within a frame or the length exceeds kMaxPayload, std::system_error on a
  /// failing descriptor.
  [[nodiscard]] std::optional<Frame> receive() const;

  /// Throws std::system_error when the other end is gone.
  void send(Message type, std::span<const std::uint8_t> payload = {}) const;

  /// Bytes as they are, without a frame around them.
  void send_raw(std::span<const std::uint8_t> bytes) const;

  /// False when nothing arrives within the given time.
  [[nodiscard]] bool wait_readable(int milliseconds) const;

 private:
  int in_;
  int out_;
};

}  // namespace bitloom::sim
