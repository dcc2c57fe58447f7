// SPDX-License-Identifier: Apache-2.0
// The tiled kernels' host side. nvcc compiles this file for GPUs, the host compiler for the host.
#include "kernels/tiled/tiled.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "kernels/engines.hpp"
#include "kernels/tiled/dot.hpp"

namespace bitloom::kernels::BL_PLATFORM {
namespace {

using Kernel = void (*)(TiledCall);

template <class Core>
Kernel kernel_of_mode(Mode mode) {
  return mode == Mode::bcq ? tiled_kernel<Core, Mode::bcq> : tiled_kernel<Core, Mode::codebook>;
}

template <unsigned digits>
Kernel kernel_of_tokens(tiled::CoreKind core, unsigned core_tokens, Mode mode) {
  if (core == tiled::CoreKind::tables) return kernel_of_mode<TableCore<digits>>(mode);
  if (core == tiled::CoreKind::bytes)
    return core_tokens == 8 ? kernel_of_mode<ByteCore<1, digits>>(mode)
                            : kernel_of_mode<ByteCore<2, digits>>(mode);
  switch (core_tokens) {
    case 1:
      return kernel_of_mode<BitCore<1, digits>>(mode);
    case 2:
      return kernel_of_mode<BitCore<2, digits>>(mode);
    default:
      return kernel_of_mode<BitCore<4, digits>>(mode);
  }
}

Kernel find_kernel(tiled::CoreKind core, std::uint32_t tokens, unsigned digits, Mode mode) {
  const unsigned room = tiled::core_tokens(core, tokens);
  return digits == 2 ? kernel_of_tokens<2>(core, room, mode)
                     : kernel_of_tokens<3>(core, room, mode);
}

struct Launch {
  Kernel kernel;
  Grid grid;
  TiledCall call;
};

class TiledPreparedCall final : public PreparedCall {
 public:
  /// `view` holds what the layer gives; more than kMaxTokens tokens take several launches.
  TiledPreparedCall(const TiledCall& view, Mode mode, const Activations& acts,
                    const Planner& planner)
      : format_(view.format),
        tokens_(acts.tokens),
        m_(view.m),
        x_(acts.x),
        y_(std::size_t{acts.tokens} * view.m),
        nan_tokens_(acts.tokens),
        // One launch follows the other, so they share these.
        partial_(divide(view, mode, planner)),
        arrivals_(most_row_blocks()) {
    arrivals_.fill(0);
    y_.fill(kNoOutput);
    nan_tokens_.fill(kNoOutput);
    for (Launch& launch : launches_) {
      launch.call.partial = partial_.data();
      launch.call.arrivals = arrivals_.data();
    }
  }

  void set_activations(const Activations& acts) override { x_.write(acts.x); }

  void enqueue(void* stream) override {
    for (const Launch& launch : launches_)
      launch_blocks(launch.kernel, launch.grid, launch.call, stream);
  }

  void wait() override { synchronize(); }

  [[nodiscard]] Result read() const override {
    const std::vector<std::uint8_t> flags = nan_tokens_.read();
    return {Outputs{format_, tokens_, m_, y_.read()}, std::vector<bool>(flags.begin(), flags.end()),
            0};
  }

 private:
  // Makes the launches; returns the size of the memory for partial sums.
  std::size_t divide(const TiledCall& view, Mode mode, const Planner& planner) {
    std::size_t partial = 0;
    for (std::uint32_t first = 0; first < tokens_; first += tiled::kMaxTokens) {
      TiledCall call = view;
      call.tokens = std::min<std::uint32_t>(tokens_ - first, tiled::kMaxTokens);
      call.x = x_.data() + std::size_t{first} * view.k;
      call.y = y_.data() + std::size_t{first} * view.m;
      call.nan_tokens = nan_tokens_.data() + first;
      tiled::Problem problem;
      problem.row_tiles = call.row_tiles;
      problem.pairs = call.pairs;
      problem.tokens = call.tokens;
      problem.digits = call.mantissa_bits <= 16 ? 2 : 3;
      problem.pair_blocks = pair_blocks(call.group_columns);
      problem.stage_bytes = stage_bytes(call);
      problem.multiprocessors = multiprocessors();
      problem.shared_limit = shared_memory_limit();
      const tiled::Plan plan = planner(problem);
      call.ranges = plan.ranges;
      call.row_blocks = plan.row_blocks;
      call.stages = plan.stages;
      const Grid grid{plan.ranges * plan.row_blocks, plan.warps * kWarp,
                      tiled::shared_bytes(problem, plan)};
      launches_.push_back({find_kernel(plan.core, call.tokens, problem.digits, mode), grid, call});
      if (plan.ranges > 1)
        partial = std::max(partial, std::size_t{plan.ranges} * call.tokens * call.m);
    }
    return partial;
  }

  [[nodiscard]] std::size_t most_row_blocks() const {
    std::size_t most = 0;
    for (const Launch& launch : launches_)
      most = std::max<std::size_t>(most, launch.call.row_blocks);
    return most;
  }

  OutputFormat format_;
  std::uint32_t tokens_;
  std::uint32_t m_;
  std::vector<Launch> launches_;
  Buffer<Half> x_;
  Buffer<std::uint32_t> y_;
  Buffer<std::uint8_t> nan_tokens_;
  Buffer<Words4> partial_;
  Buffer<std::uint32_t> arrivals_;
};

struct DeviceTable {
  Buffer<Half> values;
  tiled::TileTable shape;  // its values are in `values`

  explicit DeviceTable(tiled::TileTable from) : values(from.values), shape(std::move(from)) {
    shape.values.clear();
    shape.values.shrink_to_fit();
  }
};

class TiledLayer final : public LoadedLayer {
 public:
  TiledLayer(const Layer& layer, Arithmetic arithmetic, Planner planner)
      : arithmetic_(arithmetic),
        shape_(layer.shape()),
        planner_(std::move(planner)),
        planes_(tiled::tile_planes(layer)) {
    for (const auto& [bits, from] : layer.precisions)
      if (tiled::supports(layer, bits, arithmetic))
        tables_.emplace(bits, tiled::tile_table(layer, bits));
  }

  [[nodiscard]] std::unique_ptr<PreparedCall> prepare(unsigned bits, const Activations& acts,
                                                      OutputFormat format) const override {
    const DeviceTable& table = tables_.at(bits);
    const tiled::TileShape tiles(shape_);
    TiledCall call{};
    call.mantissa_bits = arithmetic_.mantissa_bits;
    call.format = format;
    call.bits = bits;
    call.m = shape_.m;
    call.k = shape_.k;
    call.group_columns = shape_.group_size;
    call.row_tiles = tiles.row_tiles;
    call.pairs = tiles.pairs;
    call.table_groups = tiles.groups;
    call.pair_groups = tiles.pair_groups;
    call.terms = table.shape.terms;
    call.offsets = table.shape.offsets;
    call.table_unit = table.shape.unit;
    call.table_bits = table.shape.bits;
    call.planes = planes_.data();
    call.table = table.values.data();
    return std::make_unique<TiledPreparedCall>(call, shape_.mode, acts, planner_);
  }

 private:
  Arithmetic arithmetic_;
  LayerShape shape_;
  Planner planner_;
  Buffer<std::uint32_t> planes_;
  std::map<unsigned, DeviceTable> tables_;
};

class TiledEngine final : public Engine {
 public:
  explicit TiledEngine(EngineInfo info) : info_(std::move(info)) {}

  [[nodiscard]] EngineInfo info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<LoadedLayer> load(const Layer& layer,
                                                  Arithmetic arithmetic) const override {
    return load_tiled(layer, arithmetic, tiled::make_plan);
  }

 private:
  EngineInfo info_;
};

}  // namespace

std::unique_ptr<LoadedLayer> load_tiled(const Layer& layer, Arithmetic arithmetic,
                                        const Planner& planner) {
  return std::make_unique<TiledLayer>(layer, arithmetic, planner);
}

std::unique_ptr<Engine> make_tiled_engine(EngineInfo info) {
  return std::make_unique<TiledEngine>(std::move(info));
}

}  // namespace bitloom::kernels::BL_PLATFORM
