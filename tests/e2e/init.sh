#!/bin/busybox sh
# PID 1 of a guest: shows what the kernel says of its firmware, waits, and goes where it is told.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /out
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
exec </dev/console >/dev/console 2>&1
# Nothing but this script writes to the console from here on.
echo 1 >/proc/sys/kernel/printk
stty -echo 2>/dev/null

cd /out
dmesg >log.txt
cat /proc/cmdline >command-line.txt
cat /proc/version >version.txt
cat /proc/iomem >iomem.txt
grep -w efi_mm /proc/kallsyms >symbols.txt
[ -r /sys/kernel/boot_params/data ] && cat /sys/kernel/boot_params/data >boot-params
efi=/sys/firmware/efi
for file in systab config_table fw_platform_size; do
    [ -r $efi/$file ] && cat $efi/$file >$file.txt
done
if [ -d $efi/runtime-map ]; then
    : >runtime-map.txt
    number=0
    while [ -d $efi/runtime-map/$number ]; do
        entry=$efi/runtime-map/$number
        printf '%3d type=%s phys=%s virt=%s pages=%s attr=%s\n' $number $(cat $entry/type) \
            $(cat $entry/phys_addr) $(cat $entry/virt_addr) $(cat $entry/num_pages) \
            $(cat $entry/attribute) >>runtime-map.txt
        number=$((number + 1))
    done
fi
for dump in page_tables/efi efi_page_tables; do
    [ -r /sys/kernel/debug/$dump ] && cat /sys/kernel/debug/$dump >page-tables.txt
done

tar -cz -f /out.tar.gz .
echo "--- files $(sha256sum </out.tar.gz | cut -d' ' -f1)"
base64 /out.tar.gz
echo "--- end"

# The host reads this guest's memory now, and then says what comes next.
read -r next
case $next in
kexec*)
    # One of kexec's two system calls, -s or -c, and the command line of the second kernel.
    set -- $next
    call=$2
    shift 2
    kexec "$call" -l /kernel --initrd=/initrd --command-line="$*" && kexec -e
    echo "--- kexec failed"
    ;;
esac
poweroff -f
