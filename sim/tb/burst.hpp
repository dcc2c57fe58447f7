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

/// A payload that is its own extension: the extension carries what AXI has and TLM-2.0 does not,
/// the id; the rest is what the port needs.
struct Burst final : tlm::tlm_generic_payload, tlm::tlm_extension<Burst> {
  explicit Burst(tlm::tlm_mm_interface* pool) : tlm_generic_payload(pool) { set_extension(this); }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;
  ~Burst() override { clear_extension(this); }

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
    set_command(command);
    set_address(address);
    set_data_ptr(data.data());
    set_data_length(beat_count * beat_bytes);
    set_streaming_width(beat_count * beat_bytes);
    set_byte_enable_ptr(nullptr);
    set_byte_enable_length(0);
    set_dmi_allowed(false);
    set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }

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
  /// A burst with one reference; release() brings it back.
  Burst& acquire() {
    if (idle_.empty()) {
      all_.push_back(std::make_unique<Burst>(this));
      idle_.push_back(all_.back().get());
    }
    Burst* burst = idle_.back();
    idle_.pop_back();
    burst->acquire();
    return *burst;
  }

  void free(tlm::tlm_generic_payload* payload) override {
    idle_.push_back(static_cast<Burst*>(payload));
  }

 private:
  std::vector<std::unique_ptr<Burst>> all_;
  std::vector<Burst*> idle_;
};

}  // namespace bitloom::sim
