"""The hall before one lane, on any clock: travellers with intentions, an officer, a board on its line, a disk, and faults.

One seed determines everything. The judge uses what truly happened here, never what the gate reports. `Hall` is the
entry point; `hardware_sim.hall.lane.Lane` is its port to the gate.
"""
