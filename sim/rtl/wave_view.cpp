// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/wave_view.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "gen/descriptor.hpp"
#include "sw/device/device.hpp"
#include "sw/error/error.hpp"

namespace bitloom::sim {
namespace {

namespace fs = std::filesystem;

// How GTKWave shows a signal; the number is its trace flags.
enum class Radix : unsigned { binary = 0x28, hex = 0x22, decimal = 0x24, names = 0x2022 };

struct Signal {
  std::string name;    // below TOP.bl_top
  unsigned width = 1;  // bits
  Radix radix = Radix::binary;
  std::string names{};     // which file of names, for Radix::names
  bool is_vector = false;  // has a range even where it is one bit wide
};

struct Group {
  std::string unit;
  std::vector<Signal> signals;
};

// The units along the data path, from control and memory to the result.
std::vector<Group> groups_of(const HardwareConfig& hardware) {
  const unsigned channels = hardware.read_channels;
  const unsigned beat = hardware.channel_bits;
  const unsigned vector = hardware.rows * 16;
  const unsigned sums = hardware.tokens * hardware.rows * 32;  // fields of bl_pkg::FieldW
  // With one channel its ID has names; with several the packed port is shown in hexadecimal.
  const auto by_channel = [&](const std::string& name) -> Signal {
    return {name, channels, Radix::binary, "", true};
  };
  const auto by_token = [&](const std::string& name) -> Signal {
    return {name, hardware.tokens, Radix::binary, "", true};
  };
  const auto read_id = [&](const std::string& name) -> Signal {
    if (channels == 1) return {name, 4, Radix::names, "read"};
    return {name, 4 * channels, Radix::hex};
  };
  return {
      {"ctrl",
       {{"u_ctrl.enable"},
        {"u_ctrl.doorbell", 32, Radix::decimal},
        {"u_ctrl.completed_q", 32, Radix::decimal},
        {"job_valid"},
        {"job_ready"},
        {"cause", 3, Radix::names, "cause"},
        {"u_ctrl.status", 8, Radix::names, "status"},
        {"irq_o"}}},
      {"dma",
       {by_channel("mem_arvalid_o"),
        by_channel("mem_arready_i"),
        read_id("mem_arid_o"),
        {"mem_araddr_o", 64 * channels, Radix::hex},
        {"mem_arlen_o", 8 * channels, channels == 1 ? Radix::decimal : Radix::hex},
        by_channel("mem_rvalid_i"),
        by_channel("mem_rlast_i"),
        read_id("mem_rid_i"),
        {"mem_rdata_i", beat * channels, Radix::hex},
        {"mem_awvalid_o"},
        {"mem_awready_i"},
        {"mem_awid_o", 4, Radix::names, "write"},
        {"mem_awaddr_o", 64, Radix::hex},
        {"mem_wvalid_o"},
        {"mem_wready_i"},
        {"mem_wlast_o"},
        {"mem_bvalid_i"}}},
      {"align", {{"u_engine.act_valid_i"}, {"u_engine.act_ready_o"}, {"u_engine.block_written"}}},
      {"lut", {{"u_engine.buffer_read"}, by_token("u_engine.table_valid"), {"u_engine.slot_free"}}},
      {"plane",
       {{"u_engine.word_valid"},
        {"u_engine.word_ready"},
        {"u_engine.word", hardware.rows * hardware.columns, Radix::hex}}},
      {"pe",
       {{"u_engine.pass_valid"},
        by_token("u_engine.pass_tokens"),
        {"u_engine.pass_first"},
        {"u_engine.pass_last"},
        {"u_engine.sum_valid_q"},
        {"u_engine.sums", sums, Radix::hex}}},
      {"scale",
       {{"u_engine.vectors_loaded"},
        {"u_engine.phase_valid"},
        {"u_engine.scales", vector, Radix::hex},
        {"u_engine.offsets", vector, Radix::hex}}},
      {"accum",
       {by_token("u_engine.tile_done"),
        {"u_engine.tile_draining"},
        {"u_engine.value_valid"},
        {"u_engine.value_token", 4, Radix::decimal}}},
      {"norm",
       {{"u_engine.rounded_valid"},
        {"u_engine.buffer_ready"},
        {"result_valid"},
        {"result_ready"},
        {"result_data", 32 * hardware.results_per_cycle, Radix::hex},
        {"result_nan"},
        {"result_token", 4, Radix::decimal}}}};
}

std::ofstream open(const fs::path& path) {
  std::ofstream out(path);
  if (!out)
    throw Error(ErrorCode::output_path, {path.string(), "a file that cannot be written",
                                         "a writable folder beside the waveform", ""});
  return out;
}

fs::path names_path(const fs::path& dump, const std::string& which) {
  return fs::absolute(dump).replace_extension("." + which + ".txt");
}

// One line per value: the value as GTKWave prints it in hexadecimal, then its name.
template <typename Names>
void write_names(const fs::path& path, unsigned digits, const Names& names) {
  std::ofstream out = open(path);
  unsigned value = 0;
  for (const std::string_view name : names)
    out << fmt::format("{:0{}x} {}\n", value++, digits, name);
}

std::vector<std::string_view> status_names() {
  std::vector<std::string_view> names;
  for (unsigned status = 0; status <= static_cast<unsigned>(StatusCode::bus_error); ++status)
    names.push_back(status_text(status));
  return names;
}

std::string full_name(const Signal& signal) {
  const std::string range =
      signal.width == 1 && !signal.is_vector ? "" : fmt::format("[{}:0]", signal.width - 1);
  return "TOP.bl_top." + signal.name + range;
}

void write_signal(std::ofstream& out, const fs::path& dump, const Signal& signal) {
  out << fmt::format("@{:x}\n", static_cast<unsigned>(signal.radix));
  if (signal.radix == Radix::names) out << "^1 " << names_path(dump, signal.names).string() << '\n';
  out << full_name(signal) << '\n';
}

}  // namespace

fs::path wave_view_path(const fs::path& dump) { return fs::path(dump).replace_extension(".gtkw"); }

void write_wave_view(const fs::path& dump, const HardwareConfig& hardware) {
  constexpr std::size_t kReads = 4;  // of kStreamNames; the rest are writes
  const std::vector<std::string_view> streams(kStreamNames.begin(), kStreamNames.end());
  write_names(names_path(dump, "cause"), 1, kCauseNames);
  write_names(names_path(dump, "status"), 2, status_names());
  write_names(names_path(dump, "read"), 1, std::vector(streams.begin(), streams.begin() + kReads));
  write_names(names_path(dump, "write"), 1, std::vector(streams.begin() + kReads, streams.end()));

  std::ofstream out = open(wave_view_path(dump));
  out << "[dumpfile] \"" << fs::absolute(dump).string() << "\"\n@28\nTOP.bl_top.clk_i\n"
      << "TOP.bl_top.rst_ni\n";
  for (const Group& group : groups_of(hardware)) {
    out << "@800200\n-" << group.unit << '\n';
    for (const Signal& signal : group.signals) write_signal(out, dump, signal);
    out << "@1000200\n-" << group.unit << '\n';
  }
}

}  // namespace bitloom::sim
