// On a phone the tabs scroll sideways: the one that is open must be in sight.
document.querySelector(".tabs .active")?.scrollIntoView({ block: "nearest", inline: "center" });
