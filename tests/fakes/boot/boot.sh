#!/bin/sh
# Boots systemd in fresh namespaces on an overlay of the running Debian; nothing outside changes. Started by machine.py under
# `unshare`, with a folder for the overlay, a tree that is laid over it, and SOURCE:PLACE pairs that are bound in read-only.
set -eu
home=$1 tree=$2
shift 2
mount -t tmpfs tmpfs "$home"
mkdir "$home/upper" "$home/work" "$home/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$home/upper,workdir=$home/work" "$home/root"
root=$home/root
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
if ! mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" 2>/dev/null; then
    mount -t tmpfs tmpfs "$root/sys/fs"
    mkdir "$root/sys/fs/cgroup"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
# Nothing of this machine's own is started, and nothing that would reach the kernel which all share.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires
for unit in systemd-sysctl.service systemd-modules-load.service systemd-random-seed.service systemd-udevd.service \
    systemd-udev-trigger.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cp -a --no-preserve=ownership "$tree/." "$root/"
for pair in "$@"; do
    place=$root${pair##*:}
    if [ -d "${pair%:*}" ]; then mkdir -p "$place"; else touch "$place"; fi
    mount --rbind "${pair%:*}" "$place"
    mount -o remount,bind,ro "$place"
done
ldconfig -r "$root"
ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
# As on a machine with a kernel of its own: systemd mounts a unit's credentials from a namespace that must reach this one.
mount --make-rshared /
export container=other
exec /usr/lib/systemd/systemd --system --unit=boot.target --show-status=no --log-target=journal </dev/null
