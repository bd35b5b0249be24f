/* Stands in for the vendor's library: it measures what the file that PAD_SCENE names says, "person", "picture" or "nobody". */
#include "vendor_pad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int vendor_open(void) { return getenv("PAD_SCENE") == NULL; }

int vendor_measure(enum vendor_face *face, double *score)
{
	char scene[16] = "";
	FILE *file = fopen(getenv("PAD_SCENE"), "r");

	if (file == NULL)
		return -1;
	if (fscanf(file, "%15s", scene) != 1)
		scene[0] = '\0';
	fclose(file);
	*face = strcmp(scene, "person") == 0 || strcmp(scene, "picture") == 0 ? VENDOR_FACE : VENDOR_NO_FACE;
	*score = strcmp(scene, "person") == 0 ? 0.93 : 0.08;
	return 0;
}

const char *vendor_version(void) { return "1.4"; }

void vendor_close(void) {}
