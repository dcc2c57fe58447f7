// The one file list: simulation, lint and synthesis read it. Paths are relative to this folder; the
// generated packages (bl_cfg_pkg, bl_reg_pkg, bl_desc_pkg) come first on every command line.
engine/bl_pkg.sv
prim/bl_fifo.sv
prim/bl_gearbox.sv
prim/bl_ram.sv
ctrl/bl_ctrl_registers.sv
ctrl/bl_ctrl_counters.sv
ctrl/bl_ctrl_fetch.sv
ctrl/bl_ctrl.sv
dma/bl_dma_read_stream.sv
dma/bl_dma_write.sv
dma/bl_dma.sv
align/bl_align.sv
align/bl_align_store.sv
lut/bl_lut.sv
lut/bl_lut_feed.sv
plane/bl_plane.sv
pe/bl_pe.sv
scale/bl_scale.sv
accum/bl_accum_place.sv
accum/bl_accum.sv
accum/bl_drain.sv
norm/bl_norm.sv
engine/bl_engine_sequencer.sv
engine/bl_engine.sv
top/bl_top.sv
