// SPDX-License-Identifier: Apache-2.0
// gpu_check [--cpu] [--small] [--records DIR]: runs every case through both sets of kernels on the
// GPU (or, with --cpu, on the host those that fit it; with --small, small ones only), compares all
// bits with the contract, and leaves a record DIR/<device>.json. Exit status: 0 all equal, 1 a
// mismatch, 2 bad usage, 3 a fault of the GPU or of the record, 77 no GPU (docs/gpu.md).
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/check/cases.hpp"
#include "kernels/check/forced_plans.hpp"
#include "kernels/check/record.hpp"
#include "kernels/check/sha256.hpp"
#include "kernels/check/straight_loop.hpp"
#include "kernels/engine.hpp"
#include "kernels/tiled/tiled.hpp"
#include "kernels/tiled/tiles.hpp"

namespace bitloom::kernels {
namespace {

constexpr int kEqual = 0;
constexpr int kMismatch = 1;
constexpr int kUsage = 2;
constexpr int kFault = 3;
constexpr int kSkipped = 77;

struct Options {
  bool cpu = false;
  bool small = false;
  std::filesystem::path records;  // empty: no record
};

std::optional<Options> parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--cpu")
      options.cpu = true;
    else if (arguments[i] == "--small")
      options.small = true;
    else if (arguments[i] == "--records" && i + 1 < arguments.size())
      options.records = arguments[++i];
    else
      return std::nullopt;
  }
  return options;
}

struct CaseResult {
  std::string name;
  std::string kernels;
  std::string sha256;
  double seconds = 0;
  double gigabytes_per_second = 0;
  std::size_t outputs = 0;
  std::size_t mismatches = 0;
};

constexpr std::string_view kKernelSetNames[] = {"reference", "tiled"};

bool takes(KernelSet kernels, const Case& c) {
  LayerShape shape;
  shape.mode = c.mode;
  return kernels == KernelSet::reference || tiled::supports(shape, c.bits, c.arithmetic);
}

std::size_t count_mismatches(const Case& c, std::string_view kernels, const Outputs& found,
                             const Outputs& expected) {
  if (found.bits.size() != expected.bits.size())
    throw std::runtime_error(c.name + ": the number of outputs differs");
  std::size_t mismatches = 0;
  for (std::size_t i = 0; i < found.bits.size(); ++i) {
    if (found.bits[i] == expected.bits[i]) continue;
    if (mismatches++ == 0)
      std::cerr << "MISMATCH " << kernels << ' ' << c.name << ": token " << i / c.m << ", row "
                << i % c.m << std::hex << ": found 0x" << found.bits[i] << ", expected 0x"
                << expected.bits[i] << std::dec << "\n";
  }
  return mismatches;
}

CaseResult run_case(const LoadedLayer& layer, const std::string& kernels, const Case& c,
                    const CaseData& data, const Outputs& expected) {
  CaseResult report;
  report.name = c.name;
  report.kernels = kernels;
  const Result result = layer.run(c.bits, data.acts, c.format);
  report.outputs = result.y.bits.size();
  report.mismatches = count_mismatches(c, report.kernels, result.y, expected);
  for (std::uint32_t t = 0; t < c.tokens; ++t)
    if (result.nan_tokens[t] != (c.nan_token && t == 1)) {
      ++report.mismatches;
      std::cerr << "MISMATCH " << report.kernels << ' ' << c.name << ": the NaN flag of token " << t
                << "\n";
    }
  report.sha256 = sha256_hex(output_bytes(result.y));
  report.seconds = result.seconds;
  report.gigabytes_per_second = static_cast<double>(traffic_bytes(c)) / result.seconds / 1e9;
  return report;
}

// The record of a run. It grows case by case as DIR/<device>.json.partial, so that a fault keeps
// what was measured, and becomes DIR/<device>.json when it is complete.
class Record {
 public:
  // Before the work, so that a folder that cannot be is not found out after it.
  Record(const std::filesystem::path& folder, const EngineInfo& info)
      : file_(folder / (plain_name(info.device) + ".json")), partial_(file_.string() + ".partial") {
    std::filesystem::create_directories(folder);
    stream_.open(partial_);
    stream_ << "{\n  \"device\": " << quoted(info.device)
            << ",\n  \"compute_capability\": " << quoted(info.compute_capability)
            << ",\n  \"cuda_driver\": " << quoted(info.driver)
            << ",\n  \"cuda_runtime\": " << quoted(info.runtime) << ",\n  \"cases\": [";
    flush();
  }

  void add(const CaseResult& r) {
    stream_ << separator_ << "    {\"name\": " << quoted(r.name)
            << ", \"kernels\": " << quoted(r.kernels) << ", \"outputs\": " << r.outputs
            << ", \"mismatches\": " << r.mismatches << ", \"sha256\": " << quoted(r.sha256)
            << ", \"seconds\": " << std::setprecision(4) << r.seconds
            << ", \"gigabytes_per_second\": " << r.gigabytes_per_second << "}";
    separator_ = ",\n";
    flush();
  }

  void complete() {
    stream_ << "\n  ]\n}\n";
    flush();
    stream_.close();
    std::filesystem::rename(partial_, file_);
    std::cout << "gpu_check: record in " << file_.string() << "\n";
  }

 private:
  void flush() {
    stream_ << std::flush;
    if (!stream_) throw std::runtime_error("cannot write " + partial_.string());
  }

  std::filesystem::path file_;
  std::filesystem::path partial_;
  std::ofstream stream_;
  const char* separator_ = "\n";
};

std::vector<Case> chosen_cases(const Options& options) {
  // Of the small ones every fourth, which meets all lists of cases.cpp: a checker is slow.
  unsigned small = 0;
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [&](const Case& c) {
    return (options.cpu && !fits_host(c)) || (options.small && (!is_small(c) || small++ % 4 != 0));
  });
  return cases;
}

struct Totals {
  std::size_t runs = 0;
  std::size_t outputs = 0;
  std::size_t mismatches = 0;

  void add(const CaseResult& r) {
    ++runs;
    outputs += r.outputs;
    mismatches += r.mismatches;
  }
};

// The divisions that no plan of such a small layer has, but those of large ones do.
void run_forced_plans(const Options& options, const Case& c, const CaseData& data,
                      const Outputs& expected, Totals& totals) {
  const auto load = options.cpu ? cpu::load_tiled : gpu::load_tiled;
  for (unsigned i = 0; i < kForcedPlans; ++i) {
    const auto layer = load(data.layer, c.arithmetic,
                            [i](const tiled::Problem& problem) { return forced_plan(i, problem); });
    totals.add(run_case(*layer, "tiled, forced plan " + std::to_string(i), c, data, expected));
  }
}

int check(const Options& options) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const KernelSet kernels : {KernelSet::reference, KernelSet::tiled}) {
    EngineSearch search = options.cpu ? cpu::find_engine(kernels) : gpu::find_engine(kernels);
    if (search.engine == nullptr) {
      std::cerr << "gpu_check: skipped, no usable GPU: " << search.why_not
                << ". Use --cpu to run the same kernels on the host.\n";
      return kSkipped;
    }
    engines.push_back(std::move(search.engine));
  }
  const EngineInfo info = engines.front()->info();
  std::optional<Record> record;
  if (!options.records.empty()) record.emplace(options.records, info);

  Totals totals;
  const std::vector<Case> cases = chosen_cases(options);
  for (const Case& c : cases) {
    const CaseData data = make_data(c);
    const Outputs expected = straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format);
    for (const KernelSet kernels : {KernelSet::reference, KernelSet::tiled}) {
      if (!takes(kernels, c)) continue;
      const auto index = static_cast<std::size_t>(kernels);
      const auto layer = engines[index]->load(data.layer, c.arithmetic);
      const CaseResult r = run_case(*layer, std::string(kKernelSetNames[index]), c, data, expected);
      totals.add(r);
      if (record) record->add(r);
      if (c.name.starts_with("llama"))
        std::cout << c.name << ", " << r.kernels << ": " << std::setprecision(4) << r.seconds * 1e3
                  << " ms, " << r.gigabytes_per_second << " GB/s" << std::endl;
    }
    if (is_small(c) && takes(KernelSet::tiled, c))
      run_forced_plans(options, c, data, expected, totals);
  }
  std::cout << "gpu_check: " << info.device << ": " << cases.size() << " cases, " << totals.runs
            << " runs, " << totals.outputs << " outputs compared, " << totals.mismatches
            << " mismatches\n";
  if (record) record->complete();
  return totals.mismatches == 0 ? kEqual : kMismatch;
}

}  // namespace
}  // namespace bitloom::kernels

int main(int argc, char** argv) {
  using namespace bitloom::kernels;
  try {
    const std::optional<Options> options = parse({argv + 1, argv + argc});
    if (!options) {
      std::cerr << "usage: gpu_check [--cpu] [--small] [--records DIR]\n";
      return kUsage;
    }
    return check(*options);
  } catch (const std::exception& error) {
    std::cerr << "gpu_check: " << error.what() << "\n";
    return kFault;
  }
}
