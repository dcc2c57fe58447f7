// SPDX-License-Identifier: Apache-2.0
// What every unit test needs around a Verilated module: clock and reset, and assertions of the
// design as C++ exceptions. A test sets the inputs of a cycle, looks at the outputs that follow
// from them (settle), and steps to the next cycle (tick).
#pragma once

#include <verilated.h>

#include <memory>
#include <stdexcept>

#include "sim/tb/coverage.hpp"

namespace bitloom::rtl {

/// An assertion of the design (rtl/include/bl_assert.svh) failed; its text is on standard output.
class AssertionFailed : public std::runtime_error {
 public:
  AssertionFailed() : std::runtime_error("an assertion of the design failed") {}
};

template <class Model>
class Bench {
 public:
  /// Out of reset, with the inputs as `set_idle(model)` leaves them. Registers without a reset
  /// start with seeded random values, so that a test cannot rely on zeros.
  template <class SetIdle>
  explicit Bench(SetIdle set_idle) {
    context_.fatalOnError(false);
    context_.randReset(2);
    context_.randSeed(1);
    model_ = std::make_unique<Model>(&context_);
    set_idle(*model_);
    reset();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    model_->final();
    sim::write_coverage(context_);
  }

  Model* operator->() { return model_.get(); }
  Model& operator*() { return *model_; }

  void reset() {
    model_->clk_i = 0;
    if constexpr (requires { model_->rst_ni; }) {
      model_->rst_ni = 0;
      tick();
      tick();
      model_->rst_ni = 1;
    }
    settle();
    cycle_ = 0;
  }

  /// Outputs that depend on inputs of the same cycle follow them.
  void settle() { evaluate(); }

  /// The rising clock edge that ends this cycle.
  void tick() {
    model_->clk_i = 0;  // also after an assertion has failed within a tick
    evaluate();
    model_->clk_i = 1;
    evaluate();
    model_->clk_i = 0;
    evaluate();
    ++cycle_;
  }

  /// Cycles since reset.
  [[nodiscard]] unsigned cycle() const { return cycle_; }

 private:
  void evaluate() {
    context_.timeInc(1);
    model_->eval();
    if (context_.gotError()) {
      context_.gotError(false);
      context_.gotFinish(false);
      throw AssertionFailed();
    }
  }

  VerilatedContext context_;
  std::unique_ptr<Model> model_;
  unsigned cycle_ = 0;
};

}  // namespace bitloom::rtl
