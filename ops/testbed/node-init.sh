#!/bin/sh
# Becomes process 1 of a node, inside fresh mount, process, host-name and IPC namespaces: lays out the node's file
# system from the shared read-only root, then hands over to docker-init, which reaps orphans for as long as the node runs.
# Environment: HOSTNAME_OF_NODE, ROOTFS, ROOT (mount point), DATA (survives a reboot), RUN (shared with the machine), SHARED (too, and survives a reboot), RESOLV_CONF
set -e
hostname "$HOSTNAME_OF_NODE"
mount --bind "$ROOTFS" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount --rbind /sys/fs/cgroup "$ROOT/sys/fs/cgroup"
mount --rbind /dev "$ROOT/dev"
for directory in run tmp opt; do mount -t tmpfs -o mode=755 tmpfs "$ROOT/$directory"; done
chmod 1777 "$ROOT/tmp"
mkdir -p "$ROOT/run/node" "$ROOT/run/shared" "$ROOT/run/old"
mount --bind "$RUN" "$ROOT/run/node"
mount --bind "$SHARED" "$ROOT/run/shared"
mount --bind "$DATA" "$ROOT/var/lib/docker"
mount --bind "$RESOLV_CONF" "$ROOT/etc/resolv.conf"
cd "$ROOT"
pivot_root . run/old
cd /
umount -l /run/old
: > /run/node/ready
exec docker-init -- sleep infinity
