/* What a vendor's library for a PAD sensor looks like, cut down: yours comes with another header. One user at a time, blocking calls. */
#ifndef VENDOR_PAD_H
#define VENDOR_PAD_H

enum vendor_face { VENDOR_NO_FACE, VENDOR_FACE };

int vendor_open(void);                                     /* 0: the sensor is there */
int vendor_measure(enum vendor_face *face, double *score); /* 0: measured; score 0 (a picture) to 1 (a person) */
const char *vendor_version(void);
void vendor_close(void);

#endif
