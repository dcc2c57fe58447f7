// SPDX-License-Identifier: Apache-2.0
// gpu_bench [--cpu] [--records DIR] [--table FILE]: times whole calls of the tiled kernels against
// the vendor's binary16 product and against copies, compares every timed call's bits with the
// reference kernel, and leaves DIR/<device>.json and a table in Markdown (docs/gpu.md). With --cpu
// the same program runs small layers on the host, to try it out: its times mean nothing. Exit
// status: that of gpu_check.
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/bench/device.hpp"
#include "kernels/check/random.hpp"
#include "kernels/check/record.hpp"

namespace bitloom::kernels {
namespace {

using tiled::CoreKind;
using tiled::Plan;
using tiled::Problem;

constexpr int kEqual = 0;
constexpr int kMismatch = 1;
constexpr int kUsage = 2;
constexpr int kFault = 3;
constexpr int kSkipped = 77;

constexpr unsigned kCacheMultiple = 4;  // what the copies of an input exceed the cache by
constexpr std::uint32_t kGroupSize = 128;

struct Options {
  bool cpu = false;
  std::filesystem::path records;
  std::filesystem::path table;
};

std::optional<Options> parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--cpu")
      options.cpu = true;
    else if (arguments[i] == "--records" && i + 1 < arguments.size())
      options.records = arguments[++i];
    else if (arguments[i] == "--table" && i + 1 < arguments.size())
      options.table = arguments[++i];
    else
      return std::nullopt;
  }
  return options;
}

// ---- Layers -------------------------------------------------------------------------------------

struct Shape {
  std::uint32_t m;
  std::uint32_t k;
};

// Magnitudes of [2^top, 2^(top+1)), either sign.
std::vector<Half> draw(Random& random, std::size_t size, int top) {
  std::vector<Half> values(size);
  for (Half& v : values)
    v.bits = static_cast<std::uint16_t>((random.next() & 0x83FF) |
                                        static_cast<std::uint32_t>(top + 15) << 10);
  return values;
}

// close: scales, and offsets, of one binary order each, which sums of 64 bits take. scattered:
// offsets over 2^-24..2^-1, which need 128.
enum class Scales : std::uint8_t { close, scattered };

// A layer that serves 2, 3 and 4 bits from the same planes, as AnyBCQ's checkpoints do.
Layer make_layer(const Shape& shape, Mode mode, Scales scales) {
  Random random(std::uint64_t{shape.m} * shape.k);
  Layer layer;
  layer.mode = mode;
  layer.m = shape.m;
  layer.k = shape.k;
  layer.group_size = kGroupSize;
  layer.plane_count = 4;
  layer.planes.resize(std::size_t{4} * shape.m * layer.row_bytes());
  for (std::uint8_t& byte : layer.planes) byte = static_cast<std::uint8_t>(random.next());
  const std::size_t groups = std::size_t{shape.m} * layer.groups();
  for (unsigned bits = 2; bits <= 4; ++bits) {
    PrecisionTables& tables = layer.precisions[bits];
    if (mode == Mode::codebook) {
      tables.codebook = draw(random, std::size_t{shape.m} << bits, -6);
    } else {
      tables.alpha = draw(random, groups * bits, -7);
      tables.beta = draw(random, groups, -9);
      if (scales == Scales::scattered)
        for (std::size_t i = 0; i < groups; ++i)
          tables.beta[i].bits =
              static_cast<std::uint16_t>((tables.beta[i].bits & 0x83FF) | i % 15 << 10);
    }
  }
  return layer;
}

Activations make_activations(std::uint32_t tokens, std::uint32_t k) {
  Random random(tokens);
  return {tokens, k, draw(random, std::size_t{tokens} * k, 0)};
}

std::size_t weight_bytes(const Layer& layer, unsigned bits) {
  const PrecisionTables& tables = layer.precisions.at(bits);
  return bits * layer.m * layer.row_bytes() +
         2 * (tables.alpha.size() + tables.beta.size() + tables.codebook.size());
}

// Bytes that a call reads and writes at least once.
std::size_t call_bytes(const Layer& layer, unsigned bits, std::uint32_t tokens) {
  return weight_bytes(layer, bits) + std::size_t{tokens} * (2 * layer.k + 4 * layer.m);
}

// ---- Measurements -------------------------------------------------------------------------------

struct Row {
  Shape shape;
  Mode mode;
  unsigned bits;
  std::uint32_t tokens;
  std::string plan;
  std::size_t bytes;
  double seconds;
  double copy_seconds;  // that reads and writes as many bytes in all
  std::optional<double> vendor_seconds;
};

class Bench {
 public:
  explicit Bench(BenchDevice& device) : device_(device) {}

  // A layer often enough in memory that the cache holds none of a call's weights when it comes.
  struct Loaded {
    Layer layer;
    std::vector<std::unique_ptr<LoadedLayer>> copies;
  };

  [[nodiscard]] Loaded load(const Shape& shape, Mode mode, Scales scales = Scales::close) {
    Loaded loaded{make_layer(shape, mode, scales), {}};
    expected_.clear();
    const unsigned copies = copies_of(weight_bytes(loaded.layer, 2));
    for (unsigned i = 0; i < copies; ++i)
      loaded.copies.push_back(device_.load(loaded.layer, [this](const Problem& problem) {
        problem_ = problem;
        return forced_ ? *forced_ : tiled::make_plan(problem);
      }));
    return loaded;
  }

  // The time under `plan`, or that of the default one; counts a mismatch.
  [[nodiscard]] Row measure(const Loaded& loaded, unsigned bits, std::uint32_t tokens,
                            const std::optional<Plan>& plan) {
    const Layer& layer = loaded.layer;
    forced_ = plan;
    const Activations acts = make_activations(tokens, layer.k);
    std::vector<std::unique_ptr<PreparedCall>> calls;
    std::vector<PreparedCall*> pointers;
    for (const auto& copy : loaded.copies) {
      calls.push_back(copy->prepare(bits, acts, OutputFormat::binary32));
      pointers.push_back(calls.back().get());
    }
    Row row{{layer.m, layer.k}, layer.mode, bits, tokens, "", 0, 0, 0, std::nullopt};
    row.plan = name_of(plan ? *plan : tiled::make_plan(problem_));
    row.bytes = call_bytes(layer, bits, tokens);
    row.seconds = device_.seconds_per_call(pointers, Effort::full);
    row.copy_seconds = copy_seconds(row.bytes);
    row.vendor_seconds = vendor_seconds(row.shape, tokens);
    for (const auto& call : calls)
      if (call->read().y != expected(layer, bits, acts)) {
        std::cerr << "MISMATCH " << layer.m << 'x' << layer.k << " b" << bits << " t" << tokens
                  << ", " << row.plan << "\n";
        ++mismatches_;
        break;
      }
    return row;
  }

  // Plans around the default one.
  [[nodiscard]] std::vector<Plan> plans(const Loaded& loaded, unsigned bits, std::uint32_t tokens) {
    forced_.reset();
    static_cast<void>(loaded.copies.front()->prepare(bits, make_activations(tokens, loaded.layer.k),
                                                     OutputFormat::binary32));
    const Problem problem = problem_;
    std::vector<Plan> all;
    for (const CoreKind core : {CoreKind::bits, CoreKind::bytes, CoreKind::tables})
      for (const unsigned warps : {8U, 4U})
        for (const unsigned stages : {4U, 2U})
          for (const unsigned ranges : {1U, 2U, 3U, 4U, 6U, 8U, 12U, 16U})
            for (const unsigned blocks : {1U, 2U, 4U}) {
              const bool takes =
                  core == CoreKind::bytes || tokens <= (core == CoreKind::bits ? 4U : 1U);
              if (!takes || ranges > problem.pairs) continue;
              Plan plan{core, warps, stages, ranges, 1};
              plan.row_blocks = std::clamp(problem.multiprocessors * blocks / ranges, 1U,
                                           std::max(1U, (problem.row_tiles + warps - 1) / warps));
              if (shared_bytes(problem, plan) > problem.shared_limit) continue;
              if (std::find(all.begin(), all.end(), plan) == all.end()) all.push_back(plan);
            }
    return all;
  }

  // The fastest plan of each core, by short measurements.
  [[nodiscard]] std::map<CoreKind, Plan> fastest_plans(const Loaded& loaded, unsigned bits,
                                                       std::uint32_t tokens) {
    std::map<CoreKind, std::pair<double, Plan>> best;
    const Activations acts = make_activations(tokens, loaded.layer.k);
    for (const Plan& plan : plans(loaded, bits, tokens)) {
      forced_ = plan;
      std::vector<std::unique_ptr<PreparedCall>> calls;
      std::vector<PreparedCall*> pointers;
      for (const auto& copy : loaded.copies) {
        calls.push_back(copy->prepare(bits, acts, OutputFormat::binary32));
        pointers.push_back(calls.back().get());
      }
      const double seconds = device_.seconds_per_call(pointers, Effort::quick);
      const auto found = best.find(plan.core);
      if (found == best.end() || seconds < found->second.first) best[plan.core] = {seconds, plan};
    }
    std::map<CoreKind, Plan> plans;
    for (const auto& [core, entry] : best) plans[core] = entry.second;
    return plans;
  }

  double copy_seconds(std::size_t bytes) {
    const auto [at, is_new] = copies_.try_emplace(bytes, 0);
    if (is_new) at->second = device_.copy_seconds(bytes / 2, copies_of(bytes / 2));
    return at->second;
  }

  [[nodiscard]] std::size_t mismatches() const { return mismatches_; }

 private:
  [[nodiscard]] unsigned copies_of(std::size_t bytes) const {
    const std::size_t copies = kCacheMultiple * device_.cache_bytes() / bytes + 1;
    return static_cast<unsigned>(std::max<std::size_t>(2, copies));
  }

  std::optional<double> vendor_seconds(const Shape& shape, std::uint32_t tokens) {
    const auto key = std::make_tuple(shape.m, shape.k, tokens);
    const auto [at, is_new] = vendor_.try_emplace(key, std::nullopt);
    if (is_new)
      at->second = device_.vendor_seconds(shape.m, shape.k, tokens,
                                          copies_of(std::size_t{2} * shape.m * shape.k));
    return at->second;
  }

  const Outputs& expected(const Layer& layer, unsigned bits, const Activations& acts) {
    const auto key = std::make_pair(bits, acts.tokens);
    const auto found = expected_.find(key);
    if (found != expected_.end()) return found->second;
    return expected_[key] =
               device_.reference().load(layer, {})->run(bits, acts, OutputFormat::binary32).y;
  }

  BenchDevice& device_;
  std::optional<Plan> forced_;
  Problem problem_;  // of the call prepared last
  std::size_t mismatches_ = 0;
  std::map<std::size_t, double> copies_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::optional<double>> vendor_;
  std::map<std::pair<unsigned, std::uint32_t>, Outputs> expected_;  // of the layer loaded last
};

// ---- Reports ------------------------------------------------------------------------------------

struct Section {
  std::string title;
  std::vector<Row> rows;
};

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

double per_second(const Row& row) { return static_cast<double>(row.bytes) / row.seconds; }

// Read and written, over the time.
double copy_rate(const Row& row) { return static_cast<double>(row.bytes) / row.copy_seconds; }

std::string speedup(const Row& row) {
  return row.vendor_seconds ? fixed(*row.vendor_seconds / row.seconds, 2) : "-";
}

// copy_bandwidth: of a large copy, in bytes per second.
void print_markdown(std::ostream& out, const Section& section, double copy_bandwidth) {
  out << "\n## " << section.title << "\n\n"
      << "| M x K | mode | bits | tokens | plan | MB | us | GB/s | of copy | of equal copy | "
         "vendor us "
         "| speed-up |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : section.rows)
    out << "| " << row.shape.m << " x " << row.shape.k << " | "
        << (row.mode == Mode::bcq ? "bcq" : "codebook") << " | " << row.bits << " | " << row.tokens
        << " | " << row.plan << " | " << fixed(static_cast<double>(row.bytes) / 1e6, 2) << " | "
        << fixed(row.seconds * 1e6, 2) << " | " << fixed(per_second(row) / 1e9, 0) << " | "
        << fixed(per_second(row) / copy_bandwidth, 2) << " | "
        << fixed(per_second(row) / copy_rate(row), 2) << " | "
        << (row.vendor_seconds ? fixed(*row.vendor_seconds * 1e6, 2) : "-") << " | " << speedup(row)
        << " |\n";
}

void print_json(std::ostream& out, const Section& section) {
  out << "    {\"title\": " << quoted(section.title) << ", \"rows\": [";
  const char* separator = "\n";
  for (const Row& row : section.rows) {
    out << separator << "      {\"m\": " << row.shape.m << ", \"k\": " << row.shape.k
        << ", \"mode\": " << quoted(row.mode == Mode::bcq ? "bcq" : "codebook")
        << ", \"bits\": " << row.bits << ", \"tokens\": " << row.tokens
        << ", \"group_size\": " << kGroupSize << ", \"plan\": " << quoted(row.plan)
        << ", \"bytes\": " << row.bytes << std::setprecision(6) << ", \"seconds\": " << row.seconds
        << ", \"copy_seconds\": " << row.copy_seconds << ", \"vendor_seconds\": ";
    if (row.vendor_seconds)
      out << *row.vendor_seconds;
    else
      out << "null";
    out << "}";
    separator = ",\n";
  }
  out << "\n    ]}";
}

struct Report {
  EngineInfo info;
  std::size_t cache_bytes;
  std::size_t copied_bytes;  // of the large copy
  double copy_seconds;
  std::vector<Section> sections;
  std::size_t mismatches = 0;

  [[nodiscard]] double copy_bandwidth() const {
    return 2 * static_cast<double>(copied_bytes) / copy_seconds;
  }

  void write_markdown(std::ostream& out, const std::string& command) const {
    const std::time_t now = std::time(nullptr);
    out << "# Measurements: make gpu-bench\n\n    " << command << "\n\n"
        << std::put_time(std::gmtime(&now), "%Y-%m-%d") << ", " << info.device
        << " (compute capability " << info.compute_capability << ", driver " << info.driver
        << ", runtime " << info.runtime << "), L2 cache of "
        << fixed(static_cast<double>(cache_bytes) / 1e6, 0) << " MB. A copy of "
        << fixed(static_cast<double>(copied_bytes) / 1e6, 0) << " MB reads and writes "
        << fixed(copy_bandwidth() / 1e9, 0) << " GB/s.\n\n"
        << "Columns: docs/gpu.md. Rows whose bits differ from the reference kernel's: "
        << mismatches << ".\n";
    for (const Section& section : sections) print_markdown(out, section, copy_bandwidth());
  }

  void write_json(std::ostream& out) const {
    out << "{\n  \"device\": " << quoted(info.device)
        << ",\n  \"compute_capability\": " << quoted(info.compute_capability)
        << ",\n  \"cuda_driver\": " << quoted(info.driver)
        << ",\n  \"cuda_runtime\": " << quoted(info.runtime)
        << ",\n  \"mismatches\": " << mismatches << ",\n  \"cache_bytes\": " << cache_bytes
        << ",\n  \"copied_bytes\": " << copied_bytes
        << ",\n  \"copy_seconds\": " << std::setprecision(6) << copy_seconds
        << ",\n  \"sections\": [";
    const char* separator = "\n";
    for (const Section& section : sections) {
      out << separator;
      print_json(out, section);
      separator = ",\n";
    }
    out << "\n  ]\n}\n";
  }
};

// What is measured: on a GPU the shapes of AnyBCQ's table 3, on the host some that it can do.
struct Program {
  std::vector<Shape> table;
  std::vector<Shape> curves;
  std::vector<std::uint32_t> tokens;
  std::size_t copied_bytes;
};

Program gpu_program() {
  return {{{4096, 4096},
           {14336, 4096},
           {4096, 14336},
           {5120, 5120},
           {17920, 5120},
           {5120, 17920},
           {8192, 8192},
           {28672, 8192},
           {8192, 28672}},
          {{4096, 4096}, {28672, 8192}},
          {1, 2, 3, 4, 5, 6, 8, 12, 16},
          std::size_t{1} << 30};
}

Program host_program() { return {{{64, 512}}, {{32, 300}}, {1, 4, 16}, std::size_t{1} << 20}; }

class Runner {
 public:
  Runner(BenchDevice& device, Program program)
      : bench_(device),
        program_(std::move(program)),
        report_{device.info(),
                device.cache_bytes(),
                program_.copied_bytes,
                device.copy_seconds(program_.copied_bytes, 1),
                {}} {}

  const Report& run() {
    one_token();
    for (const Shape& shape : program_.curves) designs(shape);
    for (const Shape& shape : program_.curves) curve(shape);
    codebooks();
    scattered_scales();
    report_.mismatches = bench_.mismatches();
    return report_;
  }

  [[nodiscard]] std::size_t mismatches() const { return bench_.mismatches(); }

 private:
  void add(Section& section, const Row& row) {
    section.rows.push_back(row);
    std::cout << row.shape.m << " x " << row.shape.k << " b" << row.bits << " t" << row.tokens
              << ' ' << row.plan << ": " << fixed(row.seconds * 1e6, 2) << " us, "
              << fixed(per_second(row) / report_.copy_bandwidth(), 2) << " of copy, speed-up "
              << speedup(row) << std::endl;
  }

  // The default plan and the fastest one, which is looked for first: the GPU is at its clock then.
  void add_both(Section& section, const Bench::Loaded& loaded, unsigned bits,
                std::uint32_t tokens) {
    std::optional<Row> best;
    for (const auto& [core, plan] : bench_.fastest_plans(loaded, bits, tokens)) {
      const Row row = bench_.measure(loaded, bits, tokens, plan);
      if (!best || row.seconds < best->seconds) best = row;
    }
    add(section, bench_.measure(loaded, bits, tokens, std::nullopt));
    if (best && best->plan != section.rows.back().plan) add(section, *best);
  }

  void one_token() {
    Section section{"One token: the default plan, and the fastest where it is another", {}};
    for (const Shape& shape : program_.table) {
      const Bench::Loaded loaded = bench_.load(shape, Mode::bcq);
      for (unsigned bits = 2; bits <= 4; ++bits) add_both(section, loaded, bits, 1);
    }
    report_.sections.push_back(section);
  }

  void designs(const Shape& shape) {
    Section section{"Designs on " + std::to_string(shape.m) + " x " + std::to_string(shape.k) +
                        ", one token: the fastest plan of each core",
                    {}};
    const Bench::Loaded loaded = bench_.load(shape, Mode::bcq);
    for (const unsigned bits : {2U, 4U})
      for (const auto& [core, plan] : bench_.fastest_plans(loaded, bits, 1))
        add(section, bench_.measure(loaded, bits, 1, plan));
    report_.sections.push_back(section);
  }

  void curve(const Shape& shape) {
    Section section{"Tokens on " + std::to_string(shape.m) + " x " + std::to_string(shape.k), {}};
    const Bench::Loaded loaded = bench_.load(shape, Mode::bcq);
    for (const std::uint32_t tokens : program_.tokens) add_both(section, loaded, 2, tokens);
    report_.sections.push_back(section);
  }

  void codebooks() {
    Section section{"Codebooks, one token", {}};
    for (const Shape& shape : program_.curves) {
      const Bench::Loaded loaded = bench_.load(shape, Mode::codebook);
      for (unsigned bits = 2; bits <= 4; ++bits) add_both(section, loaded, bits, 1);
    }
    report_.sections.push_back(section);
  }

  void scattered_scales() {
    Section section{"Offsets far apart, one token: sums of 128 bits", {}};
    for (const Shape& shape : program_.curves) {
      const Bench::Loaded loaded = bench_.load(shape, Mode::bcq, Scales::scattered);
      for (unsigned bits = 2; bits <= 4; ++bits) add_both(section, loaded, bits, 1);
    }
    report_.sections.push_back(section);
  }

  Bench bench_;
  Program program_;
  Report report_;
};

void write_file(const std::filesystem::path& file,
                const std::function<void(std::ostream&)>& write) {
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  std::ofstream stream(file);
  write(stream);
  stream.flush();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
  std::cout << "gpu_bench: " << file.string() << "\n";
}

int run(const Options& options, const std::string& command) {
  const std::unique_ptr<BenchDevice> device =
      options.cpu ? make_host_bench_device() : make_gpu_bench_device();
  if (device == nullptr) {
    std::cerr << "gpu_bench: skipped, no usable GPU: "
              << gpu::find_engine(KernelSet::reference).why_not
              << ". Use --cpu to try the program on the host.\n";
    return kSkipped;
  }
  Runner runner(*device, options.cpu ? host_program() : gpu_program());
  const Report& report = runner.run();
  if (!options.records.empty())
    write_file(options.records / (plain_name(report.info.device) + ".json"),
               [&](std::ostream& out) { report.write_json(out); });
  if (!options.table.empty())
    write_file(options.table, [&](std::ostream& out) { report.write_markdown(out, command); });
  std::cout << "gpu_bench: " << report.info.device << ": " << runner.mismatches()
            << " mismatches\n";
  return runner.mismatches() == 0 ? kEqual : kMismatch;
}

}  // namespace
}  // namespace bitloom::kernels

int main(int argc, char** argv) {
  using namespace bitloom::kernels;
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::optional<Options> options = parse(arguments);
    if (!options) {
      std::cerr << "usage: gpu_bench [--cpu] [--records DIR] [--table FILE]\n";
      return kUsage;
    }
    std::string command = "gpu_bench";
    for (const std::string& argument : arguments) command += " " + argument;
    return run(*options, command);
  } catch (const std::exception& error) {
    std::cerr << "gpu_bench: " << error.what() << "\n";
    return kFault;
  }
}
