// SPDX-License-Identifier: Apache-2.0
// One AXI burst under way in the testbench, as a pooled TLM-2.0 generic payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <tlm>
#include <vector>

#include "sim/mem/memory.hpp"

namespace bitloom::sim {

/// No AXI burst crosses a 4 KiB boundary, so none is longer.
inline constexpr std::size_t kMaxBurstBytes = 4096;

/// Bytes that grow and never shrink: with hundreds of short bursts under way, buffers of the
/// longest burst's size would cost the simulation its caches.
class BurstBuffer {
 public:
  /// Makes room; what was in it is lost when it grows.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    constexpr std::size_t kLine = 64;
    capacity_ = (bytes + kLine - 1) / kLine * kLine;
    bytes_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kLine, capacity_)));
    if (!bytes_) throw std::bad_alloc();
  }
  std::uint8_t* data() { return bytes_.get(); }
  [[nodiscard]] const std::uint8_t* data() const { return bytes_.get(); }

 private:
  struct Release {
    void operator()(std::uint8_t* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::uint8_t[], Release> bytes_;
  std::size_t capacity_ = 0;
};

/// The payload's extension carries what AXI has and TLM-2.0 does not: the id; and what the port
/// needs to find its way back from the payload.
struct Burst : tlm::tlm_extension<Burst> {
  Burst() { payload.set_extension(this); }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;
  ~Burst() override { payload.clear_extension(this); }

  // The pool owns bursts; a payload must neither copy nor delete them.
  [[nodiscard]] tlm::tlm_extension_base* clone() const override { return nullptr; }
  void copy_from(const tlm::tlm_extension_base&) override {}
  void free() override {}

  /// Prepares the payload for a transfer of `beat_count` beats of `beat_bytes` bytes.
  void start(tlm::tlm_command command, std::uint32_t axi_id, std::uint64_t address,
             std::uint32_t beat_count, std::uint32_t beat_bytes) {
    id = axi_id;
    beats = beat_count;
    next_beat = 0;
    partial = false;
    data.reserve(std::size_t{beat_count} * beat_bytes);
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(beat_count * beat_bytes);
    payload.set_streaming_width(beat_count * beat_bytes);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_byte_enable_length(0);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }

  tlm::tlm_generic_payload payload;
  std::uint32_t id = 0;
  std::uint32_t beats = 0;
  std::uint32_t next_beat = 0;
  bool partial = false;  ///< a write with a strobe that is not all ones: `enables` counts
  Picoseconds due = 0;   ///< from here on the first beat or the response may be transferred
  BurstBuffer data;
  BurstBuffer enables;
};

/// Recycles bursts, so that a running simulation allocates nothing.
class BurstPool : public tlm::tlm_mm_interface {
 public:
  /// A burst with one reference; payload.release() brings it back.
  Burst& acquire() {
    if (idle_.empty()) {
      all_.push_back(std::make_unique<Burst>());
      all_.back()->payload.set_mm(this);
      idle_.push_back(all_.back().get());
    }
    Burst* burst = idle_.back();
    idle_.pop_back();
    burst->payload.acquire();
    return *burst;
  }

  void free(tlm::tlm_generic_payload* payload) override {
    idle_.push_back(payload->get_extension<Burst>());
  }

 private:
  std::vector<std::unique_ptr<Burst>> all_;
  std::vector<Burst*> idle_;
};

}  // namespace bitloom::sim
