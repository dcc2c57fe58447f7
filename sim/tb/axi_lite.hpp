// SPDX-License-Identifier: Apache-2.0
// The software side of the model's AXI4-Lite control port: one register access at a time.
#pragma once

#include <cstdint>

#include "sim/model/model.hpp"
#include "sim/tb/stall.hpp"

namespace bitloom::sim {

class AxiLite {
 public:
  explicit AxiLite(StallSource& stall) : stall_(stall) {}

  void start_write(std::uint32_t address, std::uint32_t value);
  void start_read(std::uint32_t address);

  void drive(Vbl_top& top);
  /// True when the access ended at this edge.
  bool edge(const Vbl_top& top);

  /// The machine's reset begins: gives the access up.
  void reset(Vbl_top& top);

  [[nodiscard]] bool okay() const { return response_ == 0; }
  [[nodiscard]] std::uint32_t value() const { return value_; }

 private:
  // Per access: which of its channels still have to be transferred. Address and data of a write are
  // offered independently of each other, so that either may come first.
  struct Channels {
    bool write_address = false;
    bool write_data = false;
    bool write_response = false;
    bool read_address = false;
    bool read_data = false;
    [[nodiscard]] bool any() const {
      return write_address || write_data || write_response || read_address || read_data;
    }
  };

  void set_ports(Vbl_top& top) const;
  // Offers a valid that is due, and keeps it once offered.
  bool offer(bool due, bool offered) { return due && (offered || !stall_()); }

  StallSource& stall_;
  Channels due_;
  Channels offered_;
  bool idle_ = false;
  std::uint32_t address_ = 0;
  std::uint32_t value_ = 0;
  std::uint32_t response_ = 0;
};

}  // namespace bitloom::sim
