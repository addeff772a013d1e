"""The words that product titles are made of: what a general shop sells, by category."""

from __future__ import annotations

KINDS: dict[str, tuple[str, ...]] = {
    "Kitchen/Mugs": ("coffee mug", "travel mug", "espresso cup", "tea cup with saucer", "insulated tumbler"),
    "Kitchen/Cookware": ("frying pan", "saucepan with lid", "cast iron casserole", "wok", "stockpot", "roasting tin"),
    "Kitchen/Knives": ("chef's knife", "bread knife", "paring knife", "knife block set", "kitchen scissors"),
    "Kitchen/Appliances": ("electric kettle", "toaster", "hand blender", "air fryer", "coffee machine", "rice cooker"),
    "Kitchen/Storage": ("food storage box", "glass jar", "bread bin", "spice rack", "lunch box", "vacuum container"),
    "Home/Lighting": ("table lamp", "floor lamp", "pendant light", "LED strip", "reading light", "string lights"),
    "Home/Textiles": ("bath towel set", "duvet cover", "throw blanket", "cushion cover", "curtain pair", "doormat"),
    "Home/Furniture": ("bookcase", "coffee table", "desk chair", "bar stool", "shoe cabinet", "TV stand", "armchair"),
    "Home/Decoration": ("picture frame", "scented candle", "flower vase", "wall clock", "mirror", "artificial plant"),
    "Home/Cleaning": ("cordless vacuum cleaner", "steam mop", "microfibre cloths", "laundry basket", "drying rack"),
    "Garden/Tools": ("hedge trimmer", "pruning shears", "garden hose", "lawn mower", "wheelbarrow", "leaf blower"),
    "Garden/Outdoor": ("parasol", "hammock", "charcoal barbecue", "fire pit", "garden bench", "bird feeder"),
    "Garden/Plants": ("tomato seeds", "lavender plant", "orchid pot", "potting compost", "flower bulbs"),
    "Fashion/Women": (
        "midi dress",
        "wrap skirt",
        "knitted cardigan",
        "ankle boots",
        "leggings",
        "trench coat",
        "blouse",
    ),
    "Fashion/Men": ("slim fit shirt", "chinos", "hooded sweatshirt", "leather belt", "polo shirt", "denim jacket"),
    "Fashion/Kids": ("rain jacket", "pyjama set", "school backpack", "wellington boots", "winter hat", "dungarees"),
    "Fashion/Shoes": ("running shoes", "canvas trainers", "hiking boots", "sandals", "loafers", "slippers"),
    "Fashion/Accessories": ("wool scarf", "sunglasses", "tote bag", "leather wallet", "wrist watch", "umbrella"),
    "Electronics/Phones": ("smartphone", "phone case", "screen protector", "wireless charger", "power bank"),
    "Electronics/Audio": ("over-ear headphones", "wireless earbuds", "bluetooth speaker", "soundbar", "turntable"),
    "Electronics/Computers": ("gaming laptop", "mechanical keyboard", "wireless mouse", "27 inch monitor", "webcam"),
    "Electronics/Storage": ("USB flash drive", "portable SSD", "memory card", "external hard drive", "card reader"),
    "Electronics/Home": ("smart plug", "security camera", "robot vacuum", "smart bulb", "video doorbell", "thermostat"),
    "Sports/Fitness": ("yoga mat", "dumbbell pair", "resistance bands", "exercise bike", "kettlebell", "skipping rope"),
    "Sports/Cycling": ("mountain bike", "bike helmet", "cycling gloves", "bike lock", "bicycle pump", "pannier bag"),
    "Sports/Camping": ("two person tent", "sleeping bag", "camping stove", "head torch", "water bottle", "rucksack"),
    "Sports/Water": ("swim goggles", "wetsuit", "paddle board", "snorkel set", "beach towel", "life jacket"),
    "Toys/Building": ("building blocks", "marble run", "wooden train set", "magnetic tiles", "model car kit"),
    "Toys/Games": ("board game", "jigsaw puzzle", "card game", "chess set", "dominoes", "puzzle cube"),
    "Toys/Soft": ("teddy bear", "plush rabbit", "hand puppet", "baby comforter", "soft dinosaur"),
    "Toys/Outdoor": ("kick scooter", "kite", "water pistol", "trampoline", "sandpit", "football goal"),
    "Beauty/Skin": ("moisturising cream", "face serum", "sun lotion SPF 50", "lip balm", "cleansing gel", "clay mask"),
    "Beauty/Hair": ("hair dryer", "shampoo", "hair straightener", "beard oil", "hairbrush", "conditioner"),
    "Beauty/Fragrance": ("eau de parfum", "eau de toilette", "body mist", "aftershave", "room spray"),
    "Health/Care": ("blood pressure monitor", "thermometer", "first aid kit", "electric toothbrush", "heating pad"),
    "Baby/Travel": ("pushchair", "car seat", "baby carrier", "changing bag", "travel cot"),
    "Baby/Feeding": ("baby bottle", "high chair", "weaning bowl set", "bottle steriliser", "bib pack"),
    "Pets/Dogs": ("dog bed", "dog lead", "chew toy", "dog coat", "food bowl", "dog treats"),
    "Pets/Cats": ("cat tree", "litter box", "scratching post", "cat tunnel", "catnip toy", "cat flap"),
    "Office/Paper": ("notebook", "weekly planner", "sticky notes", "copy paper", "gift wrap", "greeting cards"),
    "Office/Writing": ("fountain pen", "gel pens", "highlighter set", "whiteboard markers", "pencil case"),
    "Office/Furniture": ("standing desk", "filing cabinet", "desk organiser", "monitor arm", "footrest"),
    "DIY/Power tools": ("cordless drill", "circular saw", "orbital sander", "jigsaw tool", "angle grinder"),
    "DIY/Hand tools": ("claw hammer", "screwdriver set", "socket set", "spirit level", "tape measure", "tool box"),
    "DIY/Paint": ("wall paint", "wood stain", "paint roller kit", "spray paint", "masking tape"),
    "Car/Parts": ("wiper blades", "car battery charger", "brake pads", "engine oil", "tyre inflator"),
    "Car/Comfort": ("seat covers", "phone holder", "dash cam", "boot organiser", "sunshade", "car mats"),
    "Food/Drinks": ("ground coffee", "green tea", "orange juice", "sparkling water", "hot chocolate"),
    "Food/Snacks": ("dark chocolate bar", "salted almonds", "potato crisps", "oat biscuits", "dried mango"),
    "Music/Instruments": ("acoustic guitar", "digital piano", "ukulele", "guitar strings", "drum sticks", "microphone"),
}
COLOURS = (
    "black", "white", "red", "navy blue", "sky blue", "forest green", "mint", "yellow", "orange", "pink", "purple",
    "grey", "beige", "brown", "burgundy", "turquoise", "gold", "silver", "rose gold", "charcoal", "cream", "olive",
)  # fmt: skip
MATERIALS = (
    "cotton", "linen", "wool", "bamboo", "oak", "pine", "walnut", "stainless steel", "aluminium", "ceramic",
    "porcelain", "glass", "leather", "vegan leather", "recycled plastic", "silicone", "rattan", "velvet", "marble",
    "titanium", "carbon fibre", "canvas", "merino", "polyester",
)  # fmt: skip
STYLES = (
    "classic", "modern", "vintage", "minimalist", "rustic", "Scandinavian", "industrial", "floral", "striped",
    "geometric", "handmade", "personalised", "foldable", "waterproof", "ultralight", "heavy duty", "compact",
    "professional", "budget", "luxury", "eco friendly", "non-slip", "adjustable", "rechargeable", "silent",
)  # fmt: skip
USES = (
    "for small flats", "for the office", "for beginners", "for families", "for travel", "for men", "for women",
    "for children", "for outdoor use", "for winter", "for summer", "as a gift", "for professionals", "for students",
    "for sensitive skin", "for pets", "for two people", "for large rooms", "with free refill", "with gift box",
    "with carry bag", "with 5 year warranty", "with remote control", "with USB-C", "with wooden handle",
)  # fmt: skip
SIZES = (
    "S", "M", "L", "XL", "pack of 2", "pack of 4", "set of 6", "0.5 l", "1 l", "2 l", "250 ml", "500 g", "1 kg",
    "30 cm",
    "45 cm", "60 cm", "90 cm", "120 x 60 cm", "200 x 140 cm", "8 GB", "64 GB", "256 GB", "1 TB", "12 V", "18 V", "2024",
)  # fmt: skip
FIRST = (
    "Al", "Bel", "Cor", "Dun", "East", "Fjell", "Gate", "Har", "Isl", "Jun", "Kest", "Lum", "Mor", "Nor", "Oak", "Pell",
    "Quin", "Rav", "Sol", "Tarn", "Umb", "Vel", "West", "Yar",
)  # fmt: skip
LAST = ("den", "mont", "vale", "light", "by", "well", "row", "eta", "ora", "wick", "sen", "ton", "ix", "ano", "field")
