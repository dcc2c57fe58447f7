// SPDX-License-Identifier: Apache-2.0
// gpu_check [--cpu] [--records DIR]: runs every case through the reference kernel on the GPU (or,
// with --cpu, on the host), compares all bits with the contract, and leaves a record
// DIR/<device>.json. Exit status: 0 all equal, 1 a mismatch, 2 bad usage, 3 a fault of the GPU or
// of the record, 77 no GPU (docs/gpu.md).
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/check/cases.hpp"
#include "kernels/check/sha256.hpp"
#include "kernels/check/straight_loop.hpp"
#include "kernels/reference.hpp"

namespace bitloom::kernels {
namespace {

constexpr int kEqual = 0;
constexpr int kMismatch = 1;
constexpr int kUsage = 2;
constexpr int kFault = 3;
constexpr int kSkipped = 77;

struct Options {
  bool cpu = false;
  std::filesystem::path records;  // empty: no record
};

std::optional<Options> parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--cpu")
      options.cpu = true;
    else if (arguments[i] == "--records" && i + 1 < arguments.size())
      options.records = arguments[++i];
    else
      return std::nullopt;
  }
  return options;
}

struct CaseResult {
  std::string name;
  std::string sha256;
  double seconds = 0;
  double gigabytes_per_second = 0;
  std::size_t outputs = 0;
  std::size_t mismatches = 0;
};

std::size_t count_mismatches(const Case& c, const Outputs& found, const Outputs& expected) {
  if (found.bits.size() != expected.bits.size())
    throw std::runtime_error(c.name + ": the number of outputs differs");
  std::size_t mismatches = 0;
  for (std::size_t i = 0; i < found.bits.size(); ++i) {
    if (found.bits[i] == expected.bits[i]) continue;
    if (mismatches++ == 0)
      std::cerr << "MISMATCH " << c.name << ": token " << i / c.m << ", row " << i % c.m << std::hex
                << ": found 0x" << found.bits[i] << ", expected 0x" << expected.bits[i] << std::dec
                << "\n";
  }
  return mismatches;
}

CaseResult run_case(const Engine& engine, const Case& c) {
  const CaseData data = make_data(c);
  const auto layer = engine.load(data.layer, c.arithmetic);
  const Result result = layer->run(c.bits, data.acts, c.format);
  const Outputs expected = straight_loop(data.layer, c.bits, data.acts, c.arithmetic, c.format);

  CaseResult report;
  report.name = c.name;
  report.outputs = result.y.bits.size();
  report.mismatches = count_mismatches(c, result.y, expected);
  for (std::uint32_t t = 0; t < c.tokens; ++t)
    if (result.nan_tokens[t] != (c.nan_token && t == 1)) {
      ++report.mismatches;
      std::cerr << "MISMATCH " << c.name << ": the NaN flag of token " << t << "\n";
    }
  report.sha256 = sha256_hex(output_bytes(result.y));
  report.seconds = result.seconds;
  report.gigabytes_per_second = static_cast<double>(traffic_bytes(c)) / result.seconds / 1e9;
  return report;
}

std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

std::string record_json(const EngineInfo& info, const std::vector<CaseResult>& results) {
  std::ostringstream json;
  json << "{\n  \"device\": " << quoted(info.device)
       << ",\n  \"compute_capability\": " << quoted(info.compute_capability)
       << ",\n  \"cuda_driver\": " << quoted(info.driver)
       << ",\n  \"cuda_runtime\": " << quoted(info.runtime) << ",\n  \"cases\": [";
  const char* separator = "\n";
  for (const CaseResult& r : results) {
    json << separator << "    {\"name\": " << quoted(r.name) << ", \"outputs\": " << r.outputs
         << ", \"mismatches\": " << r.mismatches << ", \"sha256\": " << quoted(r.sha256)
         << ", \"seconds\": " << std::setprecision(4) << r.seconds
         << ", \"gigabytes_per_second\": " << r.gigabytes_per_second << "}";
    separator = ",\n";
  }
  json << "\n  ]\n}\n";
  return json.str();
}

// "NVIDIA A100-SXM4-80GB" becomes "nvidia-a100-sxm4-80gb.json".
std::string record_name(const std::string& device) {
  std::string name;
  for (const char c : device) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool capital = c >= 'A' && c <= 'Z';
    name += plain ? c : capital ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  return name + ".json";
}

// The record of a run: DIR/<device>.json.partial from the first case on, so that a fault keeps what
// was measured, and DIR/<device>.json once it is complete.
class Record {
 public:
  // Before the work, so that a folder that cannot be is not found out after it.
  Record(const std::filesystem::path& folder, EngineInfo info)
      : info_(std::move(info)), file_(folder / record_name(info_.device)), partial_(file_) {
    partial_ += ".partial";
    std::filesystem::create_directories(folder);
  }

  void save(const std::vector<CaseResult>& results) const {
    std::ofstream stream(partial_);
    stream << record_json(info_, results) << std::flush;
    if (!stream) throw std::runtime_error("cannot write " + partial_.string());
  }

  void complete() const {
    std::filesystem::rename(partial_, file_);
    std::cout << "gpu_check: record in " << file_.string() << "\n";
  }

 private:
  EngineInfo info_;
  std::filesystem::path file_;
  std::filesystem::path partial_;
};

int check(const Options& options) {
  const EngineSearch search = options.cpu ? cpu::find_engine() : gpu::find_engine();
  if (search.engine == nullptr) {
    std::cerr << "gpu_check: skipped, no usable GPU: " << search.why_not
              << ". Use --cpu to run the same kernels on the host.\n";
    return kSkipped;
  }
  std::optional<Record> record;
  if (!options.records.empty()) record.emplace(options.records, search.engine->info());

  std::vector<CaseResult> results;
  std::size_t outputs = 0;
  std::size_t mismatches = 0;
  for (const Case& c : all_cases()) {
    results.push_back(run_case(*search.engine, c));
    if (record) record->save(results);
    const CaseResult& r = results.back();
    outputs += r.outputs;
    mismatches += r.mismatches;
    if (c.name.starts_with("llama7b"))
      std::cout << c.name << ": " << std::setprecision(4) << r.seconds * 1e3 << " ms, "
                << r.gigabytes_per_second << " GB/s\n";
  }
  std::cout << "gpu_check: " << search.engine->info().device << ": " << results.size() << " cases, "
            << outputs << " outputs compared, " << mismatches << " mismatches\n";
  if (record) record->complete();
  return mismatches == 0 ? kEqual : kMismatch;
}

}  // namespace
}  // namespace bitloom::kernels

int main(int argc, char** argv) {
  using namespace bitloom::kernels;
  try {
    const std::optional<Options> options = parse({argv + 1, argv + argc});
    if (!options) {
      std::cerr << "usage: gpu_check [--cpu] [--records DIR]\n";
      return kUsage;
    }
    return check(*options);
  } catch (const std::exception& error) {
    std::cerr << "gpu_check: " << error.what() << "\n";
    return kFault;
  }
}
