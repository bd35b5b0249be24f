"""`gate simulate`: the lane's own loop and a simulated hall on a virtual clock, in one process, from one seed.

Real are passage, engine, the barrier's keeper and its Modbus driver, and the record outbox. The hall and its judge are
`hardware_sim.hall`'s. docs/simulation.md states what is simulated.
"""
