"""`gate simulate`: the lane's own loop and a simulated hall on a virtual clock, in one process, from one seed.

Real are passage, engine, the barrier's keeper and its Modbus driver, and the queue of records that are owed. The hall is
`hardware_sim.hall`'s, which also judges. docs/simulation.md says what is simulated and what is not.
"""
