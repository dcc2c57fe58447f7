// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstring>

#include "kernels/bench/device.hpp"

namespace bitloom::kernels {
namespace {

template <class Work>
double median_seconds(unsigned launches, std::size_t parts, Work work) {
  std::vector<double> seconds;
  for (unsigned i = 0; i < launches; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2] / static_cast<double>(parts);
}

class HostBenchDevice final : public BenchDevice {
 public:
  [[nodiscard]] EngineInfo info() const override { return reference_->info(); }
  [[nodiscard]] const Engine& reference() const override { return *reference_; }
  [[nodiscard]] std::size_t cache_bytes() const override { return 1024; }

  [[nodiscard]] std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                  const Planner& planner) const override {
    return cpu::load_tiled(layer, {}, planner);
  }

  double seconds_per_call(const std::vector<PreparedCall*>& calls, Effort /*effort*/) override {
    return median_seconds(1, calls.size(), [&] {
      for (PreparedCall* call : calls) call->enqueue(nullptr);
    });
  }

  double copy_seconds(std::size_t bytes, unsigned copies) override {
    const std::vector<char> from(bytes, 1);
    std::vector<char> to(bytes);
    return median_seconds(3, copies, [&] {
      for (unsigned i = 0; i < copies; ++i) std::memcpy(to.data(), from.data(), bytes);
    });
  }

  std::optional<double> vendor_seconds(std::uint32_t /*m*/, std::uint32_t /*k*/,
                                       std::uint32_t /*tokens*/, unsigned /*copies*/) override {
    return std::nullopt;
  }

 private:
  std::unique_ptr<Engine> reference_ = cpu::find_engine(KernelSet::reference).engine;
};

}  // namespace

std::unique_ptr<BenchDevice> make_host_bench_device() {
  return std::make_unique<HostBenchDevice>();
}

}  // namespace bitloom::kernels
