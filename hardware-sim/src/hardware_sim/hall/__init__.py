"""The hall before one lane, on anybody's clock: travellers with intentions, an officer, a board on its line, a disk, and what goes wrong.

Everything is drawn from one seed, and judged by what truly happened here, never by what the gate believes. `Hall` is the way in; what it
asks of the gate's side is `hardware_sim.hall.lane.Lane`.
"""
