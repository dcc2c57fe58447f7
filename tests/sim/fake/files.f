// The design under the testbench's own tests; same form as rtl/files.f.
bl_top.sv
