#include <stdio.h>

int main(void)
{
    puts("yingda " YINGDA_VERSION);
    return 0;
}
